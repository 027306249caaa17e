pragma circom 2.0.0;

// Takes what product.circom takes, and shows another number.
template OtherProduct(n) {
    signal input a[n];
    signal input b;
    signal input limit;
    signal output product;
    signal partial[n + 1];
    partial[0] <== b * b;
    for (var i = 0; i < n; i++) {
        partial[i + 1] <== partial[i] * a[i];
    }
    product <== partial[n];
    assert(limit > 0);
}

component main {public [limit]} = OtherProduct(3);
