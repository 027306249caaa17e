pragma circom 2.0.0;

// A constraint of each shape: products of sums, constants in them, sums alone, a factor that is a constant, factors in the sum.
template Shapes() {
    signal input x[4];
    signal input shown;
    signal output sum;
    signal output product;
    signal twice;
    signal square;
    signal shifted;
    signal long;
    signal exclusive;
    signal own;
    square <== x[0] * x[0];
    shifted <== (x[0] + 3) * (x[1] + 5) + 7;
    product <== (x[0] + 2 * x[1] + x[2] + 1) * (x[3] + square + shifted);
    long <== (x[0] + 2 * x[1] + x[2] + 1) * (x[0] + 2 * x[1] + x[2] + 1);
    twice <== 2 * (x[0] + x[1] + x[2] + x[3]) + 4;
    sum <== twice + long + shown + 6;
    exclusive <== x[0] + x[1] - 2 * x[0] * x[1];
    own <== x[2] * x[2] + 3 * x[2] + x[3] + 1;
    (x[3] - 6) * x[0] === x[0];
}

component main {public [shown]} = Shapes();
