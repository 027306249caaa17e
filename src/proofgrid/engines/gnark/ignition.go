package main

import (
	"crypto/rand"
	"encoding/hex"
	"os"

	"github.com/consensys/gnark-crypto/ecc"
	bn "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
)

// The points of Aztec's Ignition ceremony: tau^i G in a file, 64 bytes each (x and y, big endian), and tau G2 here, so
// that no file says what proofs are verified by.

const (
	pointBytes  = 64
	pointsField = "source.points"
	tauOfG2     = "0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0" +
		"260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1" +
		"22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55" +
		"04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4"
)

// ignition is what every proof is verified by.
func ignition() (key kzg.VerifyingKey) {
	_, _, key.G1, key.G2[0] = bn.Generators()
	content, _ := hex.DecodeString(tauOfG2)
	for place, coordinate := range []*fp.Element{
		&key.G2[1].X.A0, &key.G2[1].X.A1, &key.G2[1].Y.A0, &key.G2[1].Y.A1,
	} {
		coordinate.SetBytes(content[place*fp.Bytes : (place+1)*fp.Bytes])
	}
	key.Lines = [2][2][len(bn.LoopCounter)]bn.LineEvaluationAff{bn.PrecomputeLines(key.G2[0]), bn.PrecomputeLines(key.G2[1])}
	return key
}

// readPoints reads the first points of a file; each is one of the curve, whose group has no other.
func readPoints(path string, count int) ([]bn.G1Affine, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content := make([]byte, count*pointBytes)
	if read, _ := file.ReadAt(content, 0); read != len(content) {
		return nil, refuse(pointsField, "it has %d points, and %d are needed", read/pointBytes, count)
	}
	made := make([]bn.G1Affine, count)
	if !inParallel(count, func(at int) bool {
		one := content[at*pointBytes : (at+1)*pointBytes]
		badX, badY := made[at].X.SetBytesCanonical(one[:fp.Bytes]), made[at].Y.SetBytesCanonical(one[fp.Bytes:])
		return badX == nil && badY == nil && !made[at].IsInfinity() && made[at].IsOnCurve()
	}) {
		return nil, refuse(pointsField, "a point of it is none of BN254")
	}
	return made, nil
}

func writePoints(path string, points []bn.G1Affine) error {
	content := make([]byte, 0, len(points)*pointBytes)
	for place := range points {
		one := points[place].RawBytes()
		content = append(content, one[:]...)
	}
	return os.WriteFile(path, content, 0o600)
}

// checkPowers refuses points that are not the powers of Ignition's tau, but for one chance in 2^128: with random factors
// r_i, the sum of r_i P_i+1 is tau times that of r_i P_i, which a pairing tells.
func checkPowers(points []bn.G1Affine) error {
	factors := make([]fr.Element, len(points)-1)
	content := make([]byte, 16*len(factors))
	if _, err := rand.Read(content); err != nil {
		return err
	}
	for place := range factors {
		factors[place].SetBytes(content[16*place : 16*place+16])
	}
	key := ignition()
	var before, behind bn.G1Affine
	if _, err := before.MultiExp(points[:len(factors)], factors, ecc.MultiExpConfig{}); err != nil {
		return err
	}
	if _, err := behind.MultiExp(points[1:], factors, ecc.MultiExpConfig{}); err != nil {
		return err
	}
	behind.Neg(&behind)
	same, err := bn.PairingCheck([]bn.G1Affine{behind, before}, []bn.G2Affine{key.G2[0], key.G2[1]})
	if err != nil || !same || !points[0].Equal(&key.G1) {
		return refuse(pointsField, "its points are not the powers of Ignition's tau")
	}
	return nil
}
