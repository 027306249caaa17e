pragma circom 2.0.0;

// I know two factors of this number, neither of them 1.
template Factors() {
    signal input p;
    signal input q;
    signal output product;
    signal notOneP <-- 1 / (p - 1);
    signal notOneQ <-- 1 / (q - 1);
    notOneP * (p - 1) === 1;
    notOneQ * (q - 1) === 1;
    product <== p * q;
}

component main = Factors();
