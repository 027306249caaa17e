pragma circom 2.0.0;

template Square() {
    signal input a;
    signal output square;
    square <== a * a;
}

component main = Square();
