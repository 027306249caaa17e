pragma circom 2.0.0;

// A product of four numbers, three of them in a list. `limit` is public and stands in no constraint on purpose.
template Product(n) {
    signal input a[n];
    signal input b;
    signal input limit;
    signal output product;
    signal partial[n + 1];
    partial[0] <== b;
    for (var i = 0; i < n; i++) {
        partial[i + 1] <== partial[i] * a[i];
    }
    product <== partial[n];
    assert(limit > 0);
}

component main {public [limit]} = Product(3);
