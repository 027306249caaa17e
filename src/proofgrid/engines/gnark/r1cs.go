package main

import (
	"encoding/binary"
	"os"

	"github.com/consensys/gnark/constraint"
)

// circuitFile is a circom circuit as its .r1cs file says it (iden3's binary format, version 1), checked but not unpacked.
type circuitFile struct {
	curve                  *curve
	wires, outputs, inputs uint32 // all wires; of them public: outputs first, then inputs, behind wire 0, which is one
	privateInputs          uint32
	constraints            uint32
	body                   []byte // of the section of constraints
	rowsOfSnarkjs          bool   // its keys were made by snarkjs
}

const (
	sectionHeader      = 1
	sectionConstraints = 2
	sectionWires       = 3
	elementBytes       = 32
	termBytes          = 4 + elementBytes
	labelBytes         = 8
	headerBytes        = 4 + elementBytes + 4*4 + 8 + 4
	r1csField          = "source.r1cs"
)

func readCircuit(path string) (*circuitFile, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sections, err := sectionsIn(content, "r1cs", r1csField)
	if err != nil {
		return nil, err
	}
	for number, section := range sections {
		if number > sectionWires && len(section) > 0 {
			return nil, refuse(r1csField, "it uses custom gates, which are not known here")
		}
	}
	header, body := sections[sectionHeader], sections[sectionConstraints]
	if header == nil || body == nil {
		return nil, refuse(r1csField, "it has no header or no constraints")
	}
	if len(header) != headerBytes || binary.LittleEndian.Uint32(header) != elementBytes {
		return nil, refuse(r1csField, "it is not over a field of %d bytes", elementBytes)
	}
	curve := curveOfModulus(header[4 : 4+elementBytes])
	if curve == nil {
		return nil, refuse(r1csField, "it is over no field that proofs are made for; compile with --prime %s", primes)
	}
	number := func(at int) uint32 { return binary.LittleEndian.Uint32(header[4+elementBytes+at:]) }
	circuit := &circuitFile{
		curve: curve,
		wires: number(0), outputs: number(4), inputs: number(8), privateInputs: number(12), constraints: number(24), body: body,
	}
	public := uint64(circuit.outputs) + uint64(circuit.inputs)
	if public+uint64(circuit.privateInputs)+1 > uint64(circuit.wires) {
		return nil, refuse(r1csField, "it has fewer wires than public values and inputs")
	}
	if circuit.outputs+circuit.inputs == 0 {
		return nil, refuse(r1csField, "it has no public value, so that a proof would say nothing")
	}
	// The map of wires to labels bounds the wires by the file's size.
	if uint64(len(sections[sectionWires])) != uint64(circuit.wires)*labelBytes {
		return nil, refuse(r1csField, "its map of wires is not one of %d wires", circuit.wires)
	}
	return circuit, circuit.check()
}

// sectionsIn cuts a file of iden3's binary formats into its sections.
func sectionsIn(content []byte, kind, field string) (map[uint32][]byte, error) {
	if len(content) < 12 || string(content[:4]) != kind || binary.LittleEndian.Uint32(content[4:]) != 1 {
		return nil, refuse(field, "it is no .%s file of version 1", kind)
	}
	count := binary.LittleEndian.Uint32(content[8:])
	rest := content[12:]
	sections := map[uint32][]byte{}
	for ; count > 0; count-- {
		if len(rest) < 12 {
			return nil, refuse(field, "it ends in the middle of a section")
		}
		number, size := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint64(rest[4:])
		rest = rest[12:]
		if size > uint64(len(rest)) {
			return nil, refuse(field, "it ends in the middle of a section")
		}
		if sections[number] != nil {
			return nil, refuse(field, "it has section %d twice", number)
		}
		sections[number], rest = rest[:size:size], rest[size:]
	}
	return sections, nil
}

// check walks through all constraints once: whole, wires that exist, elements of the field.
func (c *circuitFile) check() error {
	left := c.body
	for number := uint32(0); number < c.constraints; number++ {
		for range 3 {
			_, rest, err := c.combination(left)
			if err != nil {
				return err
			}
			left = rest
		}
	}
	if len(left) != 0 {
		return refuse(r1csField, "there is more behind its constraints")
	}
	return nil
}

// combination cuts the next linear combination off: its terms as bytes, and what follows.
func (c *circuitFile) combination(content []byte) (terms, rest []byte, err error) {
	if len(content) < 4 {
		return nil, nil, refuse(r1csField, "it ends in the middle of a constraint")
	}
	size := uint64(binary.LittleEndian.Uint32(content)) * termBytes
	content = content[4:]
	if size > uint64(len(content)) {
		return nil, nil, refuse(r1csField, "it ends in the middle of a constraint")
	}
	terms, rest = content[:size], content[size:]
	for at := uint64(0); at < size; at += termBytes {
		if wire := binary.LittleEndian.Uint32(terms[at:]); wire >= c.wires {
			return nil, nil, refuse(r1csField, "a constraint names wire %d of %d", wire, c.wires)
		}
		if _, ok := c.curve.element(terms[at+4 : at+termBytes]); !ok {
			return nil, nil, refuse(r1csField, "a coefficient is no element of the field")
		}
	}
	return terms, rest, nil
}

// system makes gnark's form of the circuit, wire for wire. No wire is internal: circom's program computes them all.
func (c *circuitFile) system() constraint.R1CS[constraint.U64] {
	system := c.curve.newSystem(int(c.constraints))
	system.AddPublicVariable("1")
	for wire := uint32(1); wire < c.wires; wire++ {
		if wire <= c.outputs+c.inputs {
			system.AddPublicVariable("")
		} else {
			system.AddSecretVariable("")
		}
	}
	blueprint := system.AddBlueprint(&constraint.BlueprintGenericR1C{})
	left := c.body
	for number := uint32(0); number < c.constraints; number++ {
		var sides [3]constraint.LinearExpression
		for side := range sides {
			var terms []byte
			terms, left, _ = c.combination(left) // checked when it was read
			sides[side] = expression(system, terms)
		}
		system.AddR1C(constraint.R1C{L: sides[0], R: sides[1], O: sides[2]}, blueprint)
	}
	// A public value that stands in no constraint would be bound by nothing: a proof would verify for any other in its
	// place. So each stands in one of its own, value * 0 = 0, as snarkjs does it.
	// Keys of snarkjs have one for wire 0 too.
	first := 1
	if c.rowsOfSnarkjs {
		first = 0
	}
	for wire := first; wire <= c.public(); wire++ {
		value := constraint.LinearExpression{system.MakeTerm(system.One(), wire)}
		system.AddR1C(constraint.R1C{L: value}, blueprint)
	}
	return system
}

func expression(system constraint.R1CS[constraint.U64], terms []byte) constraint.LinearExpression {
	made := make(constraint.LinearExpression, 0, len(terms)/termBytes)
	for at := 0; at < len(terms); at += termBytes {
		coefficient := system.FromInterface(reversed(terms[at+4 : at+termBytes]))
		made = append(made, system.MakeTerm(coefficient, int(binary.LittleEndian.Uint32(terms[at:]))))
	}
	return made
}

// public is how many of the wires behind wire 0 are public.
func (c *circuitFile) public() int { return int(c.outputs + c.inputs) }
