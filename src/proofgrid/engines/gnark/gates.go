package main

import (
	"encoding/binary"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint"
	csBN254 "github.com/consensys/gnark/constraint/bn254"
)

// A circuit in PLONK's gates: qL a + qR b + qO c + qM a b + qC = 0, of three wires each. A constraint A * B = C is one
// gate when A and B have one wire each, and C one besides these; longer combinations are folded before, a gate for each
// further wire, and each combination once.
//
// Programs name a verifying key, which commits to these gates in this order: whoever makes others of a circuit makes
// keys of another format.

const (
	gatesMax   = 1 << 22
	gatesLeast = 8 // gnark's prover has other rules for the tiniest domains
)

type gates struct {
	system    *csBN254.SparseR1CS
	blueprint constraint.BlueprintID
	folded    map[string]uint32 // by the wires of a combination, with their coefficients
	public    int
}

// line is a * wire + b.
type line struct {
	wire uint32
	a, b fr.Element
}

type term struct {
	wire        uint32 // as gnark counts: wire 0 of circom, which is one, is none
	coefficient fr.Element
}

// gates makes gnark's form of a circuit; refused when there are too many for any setup, or the setup is on another curve.
func (c *circuitFile) gates() (*gates, error) {
	if c.curve.id != ecc.BN254 {
		return nil, refuse(r1csField, "the points of PLONK's setup are on BN254, the circuit on %s: compile with --prime bn128", c.curve.title)
	}
	made := &gates{system: csBN254.NewSparseR1CS(int(c.constraints)), folded: map[string]uint32{}, public: c.public()}
	for wire := uint32(1); wire < c.wires; wire++ {
		if int(wire) <= c.public() {
			made.system.AddPublicVariable("")
		} else {
			made.system.AddSecretVariable("")
		}
	}
	made.blueprint = made.system.AddBlueprint(&constraint.BlueprintGenericSparseR1C[constraint.U64]{})
	left := c.body
	for number := uint32(0); number < c.constraints; number++ {
		var sides [3][]byte
		for side := range sides {
			sides[side], left, _ = c.combination(left) // checked when it was read
		}
		if made.constrain(sides); made.count() > gatesMax {
			break
		}
	}
	if made.count() > gatesMax {
		return nil, refuse(r1csField, "it takes more than %d gates", gatesMax)
	}
	var nothing fr.Element
	for made.count() < gatesLeast {
		made.gate([3]uint32{}, &nothing, &nothing, &nothing, &nothing, &nothing)
	}
	return made, nil
}

// count is how many gates there are, with those that bind the public values.
func (g *gates) count() int { return g.system.GetNbConstraints() + g.public }

// rows is how many gates there is place for.
func (g *gates) rows() int { return 1 << bits.Len(uint(g.count()-1)) }

func (g *gates) constrain(sides [3][]byte) {
	for side := range 2 {
		if wires, factor := termsOf(sides[side]); len(wires) == 0 {
			g.vanish(factor, sides[1-side], sides[2])
			return
		}
	}
	left, right := g.fold(termsOf(sides[0])), g.fold(termsOf(sides[1]))
	var both, ofLeft, ofRight, ofOut, constant fr.Element
	both.Mul(&left.a, &right.a)
	ofLeft.Mul(&left.a, &right.b)
	ofRight.Mul(&right.a, &left.b)
	outs, outConstant := termsOf(sides[2])
	others := outs[:0]
	for _, one := range outs {
		switch one.wire { // a gate has place for its factors themselves, as in a + b - 2 a b
		case left.wire:
			ofLeft.Sub(&ofLeft, &one.coefficient)
		case right.wire:
			ofRight.Sub(&ofRight, &one.coefficient)
		default:
			others = append(others, one)
		}
	}
	out := g.fold(others, outConstant)
	ofOut.Neg(&out.a)
	constant.Mul(&left.b, &right.b).Sub(&constant, &out.b)
	g.gate([3]uint32{left.wire, right.wire, out.wire}, &ofLeft, &ofRight, &ofOut, &both, &constant)
}

// vanish demands that factor * left - right is zero, which takes no product.
func (g *gates) vanish(factor fr.Element, left, right []byte) {
	var constant, minusOne fr.Element
	minusOne.SetOne().Neg(&minusOne)
	all := scaled(left, &factor, &constant)
	all = append(all, scaled(right, &minusOne, &constant)...)
	for len(all) < 3 {
		all = append(all, term{})
	}
	first, last := all[0], all[len(all)-2:]
	if len(all) > 3 {
		first.wire = g.sum(all[:len(all)-2])
		first.coefficient.SetOne()
	}
	var none fr.Element
	g.gate([3]uint32{first.wire, last[0].wire, last[1].wire},
		&first.coefficient, &last[0].coefficient, &last[1].coefficient, &none, &constant)
}

// fold makes one wire of a combination.
func (g *gates) fold(terms []term, constant fr.Element) line {
	made := line{b: constant}
	switch len(terms) {
	case 0:
	case 1:
		made.wire, made.a = terms[0].wire, terms[0].coefficient
	default:
		made.wire = g.sum(terms)
		made.a.SetOne()
	}
	return made
}

// sum returns the wire that has the value of two or more terms.
func (g *gates) sum(terms []term) uint32 {
	name := make([]byte, 0, len(terms)*termBytes)
	for _, one := range terms {
		name = binary.LittleEndian.AppendUint32(name, one.wire)
		content := one.coefficient.Bytes()
		name = append(name, content[:]...)
	}
	if wire, known := g.folded[string(name)]; known {
		return wire
	}
	var none, minusOne fr.Element
	minusOne.SetOne().Neg(&minusOne)
	sofar := terms[0]
	for place := 1; place < len(terms); place++ {
		wire := uint32(g.system.AddInternalVariable())
		next := terms[place]
		g.gate([3]uint32{sofar.wire, next.wire, wire}, &sofar.coefficient, &next.coefficient, &minusOne, &none, &none)
		sofar.wire = wire
		sofar.coefficient.SetOne()
	}
	g.folded[string(name)] = sofar.wire
	return sofar.wire
}

func (g *gates) gate(wires [3]uint32, left, right, out, both, constant *fr.Element) {
	number := func(value *fr.Element) uint32 {
		var coefficient constraint.U64
		copy(coefficient[:], value[:])
		return g.system.AddCoeff(coefficient)
	}
	g.system.AddSparseR1C(constraint.SparseR1C{
		XA: wires[0], XB: wires[1], XC: wires[2],
		QL: number(left), QR: number(right), QO: number(out), QM: number(both), QC: number(constant),
	}, g.blueprint)
}

// scaled returns the wires of a combination, each times a factor; what it has without a wire goes to the constant.
func scaled(terms []byte, factor, constant *fr.Element) []term {
	made := make([]term, 0, len(terms)/termBytes)
	for ; len(terms) > 0; terms = terms[termBytes:] {
		var coefficient fr.Element
		coefficient.SetBytes(reversed(terms[4:termBytes]))
		coefficient.Mul(&coefficient, factor)
		if wire := binary.LittleEndian.Uint32(terms); coefficient.IsZero() {
			continue
		} else if wire == 0 {
			constant.Add(constant, &coefficient)
		} else {
			made = append(made, term{wire - 1, coefficient})
		}
	}
	return made
}

// termsOf returns the wires of a combination, and what it has without a wire.
func termsOf(combination []byte) (terms []term, constant fr.Element) {
	var one fr.Element
	one.SetOne()
	terms = scaled(combination, &one, &constant)
	return terms, constant
}
