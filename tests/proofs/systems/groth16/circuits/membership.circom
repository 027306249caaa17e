pragma circom 2.0.0;

include "circomlib/circuits/poseidon.circom";
include "circomlib/circuits/mux1.circom";

// I know a secret whose hash is a leaf of the tree with this root.
template Membership(levels) {
    signal input secret;
    signal input siblings[levels];
    signal input sides[levels];
    signal output root;
    component leaf = Poseidon(1);
    leaf.inputs[0] <== secret;
    component hashes[levels];
    component turned[levels];
    signal nodes[levels + 1];
    nodes[0] <== leaf.out;
    for (var i = 0; i < levels; i++) {
        sides[i] * (1 - sides[i]) === 0;
        turned[i] = MultiMux1(2);
        turned[i].c[0][0] <== nodes[i];
        turned[i].c[0][1] <== siblings[i];
        turned[i].c[1][0] <== siblings[i];
        turned[i].c[1][1] <== nodes[i];
        turned[i].s <== sides[i];
        hashes[i] = Poseidon(2);
        hashes[i].inputs[0] <== turned[i].out[0];
        hashes[i].inputs[1] <== turned[i].out[1];
        nodes[i + 1] <== hashes[i].out;
    }
    root <== nodes[levels];
}

component main = Membership(8);
