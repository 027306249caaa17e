package main

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/consensys/gnark-crypto/ecc"
	bn "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	bn254 "github.com/consensys/gnark/backend/groth16/bn254"
)

// Keys of snarkjs, as gnark takes them. Both evaluate the same polynomials at the same roots of unity, so points of
// wires are taken over as they are. What differs:
//
//   - rows: snarkjs binds each public value, and wire 0 before them, by a row of its own behind the constraints;
//   - H: snarkjs interpolates the quotient on the coset of odd 2n-th roots y_i, where x^n - 1 is -2, so its points are
//     H_i = -L_i(t) Z(t) / 2 delta. gnark has powers, Z_j = t^j Z(t) / delta, which is -2 times the sum of y_i^j H_i.

const (
	zkeyField     = "source.zkey"
	zkeyDomainMax = 1 << 20 // the change of basis takes 20 n scalar multiplications then, minutes of processor time
	bigG1, bigG2  = 64, 128 // bytes of points as they stand in the file
	termOfZkey    = 12 + elementBytes
)

type zkeyRequest struct {
	R1CS         string
	Zkey         string
	ProvingKey   string `json:"proving_key"`
	VerifyingKey string `json:"verifying_key"`
}

// convertKeys writes a zkey of snarkjs as gnark's keys, after checking that it belongs to the circuit.
func convertKeys(request *zkeyRequest) (any, error) {
	circuit, err := readCircuit(request.R1CS)
	if err != nil {
		return nil, err
	}
	if circuit.curve.id != ecc.BN254 {
		return nil, refuse(zkeyField, "keys of snarkjs are read for BN254; the circuit is on %s", circuit.curve.title)
	}
	progress("zkey", 0)
	read, err := readZkey(request.Zkey, circuit)
	if err != nil {
		return nil, err
	}
	provingKey, verifyingKey, err := read.keys()
	if err != nil {
		return nil, err
	}
	if err := writeFile(request.ProvingKey, provingKey.WriteRawTo); err != nil {
		return nil, err
	}
	return map[string]any{}, writeFile(request.VerifyingKey, verifyingKey.WriteTo)
}

type zkey struct {
	wires, public, domain   int
	alpha1, beta1, delta1   bn.G1Affine
	beta2, gamma2, delta2   bn.G2Affine
	binding, a, b1, private []bn.G1Affine
	quotient                []bn.G1Affine
	b2                      []bn.G2Affine
}

func readZkey(path string, circuit *circuitFile) (*zkey, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sections, err := sectionsIn(content, "zkey", zkeyField)
	if err != nil {
		return nil, err
	}
	if len(sections[1]) != 4 || binary.LittleEndian.Uint32(sections[1]) != 1 {
		return nil, refuse(zkeyField, "it holds no keys of Groth16")
	}
	made := &zkey{wires: int(circuit.wires), public: circuit.public()}
	if err := made.readHeader(sections[2], circuit); err != nil {
		return nil, err
	}
	if err := made.readPoints(sections); err != nil {
		return nil, err
	}
	return made, circuit.checkMatrices(sections[4], made.domain)
}

func (z *zkey) readHeader(header []byte, circuit *circuitFile) error {
	const sizes = 4 + 32 + 4 + 32 + 3*4
	if len(header) != sizes+3*bigG1+3*bigG2 {
		return refuse(zkeyField, "its header has %d bytes instead of %d: it is over another curve", len(header), sizes+3*bigG1+3*bigG2)
	}
	number := func(at int) uint32 { return binary.LittleEndian.Uint32(header[at:]) }
	coordinates, values := littleEndian(fp.Modulus()), circuit.curve.modulus
	if number(0) != 32 || element(header[4:36]) != coordinates || number(36) != 32 || element(header[40:72]) != values {
		return refuse(zkeyField, "it is not over BN254")
	}
	z.domain = int(number(80))
	if int(number(72)) != z.wires || int(number(76)) != z.public {
		return refuse(zkeyField, "it is for %d wires and %d public values, the circuit has %d and %d", number(72), number(76), z.wires, z.public)
	}
	rows := uint64(circuit.constraints) + uint64(z.public) + 1
	if number(80) != 1<<bits.Len64(rows-1) {
		return refuse(zkeyField, "it is for a domain of %d rows, the circuit has %d", number(80), rows)
	}
	if z.domain > zkeyDomainMax {
		return refuse(zkeyField, "it is for a domain of %d rows; keys of snarkjs are taken over up to %d", z.domain, zkeyDomainMax)
	}
	points := pointReader{content: header[sizes:]}
	z.alpha1, z.beta1 = points.g1(), points.g1()
	z.beta2, z.gamma2 = points.g2(), points.g2()
	z.delta1, z.delta2 = points.g1(), points.g2()
	for _, one := range []point{&z.alpha1, &z.beta1, &z.beta2, &z.gamma2, &z.delta1, &z.delta2} {
		if points.failed || one.IsInfinity() {
			return refuse(zkeyField, "a point of its header is none of BN254, or at infinity")
		}
	}
	_, _, one1, one2 := bn.Generators()
	for _, pair := range []struct {
		first  bn.G1Affine
		second bn.G2Affine
	}{{z.beta1, z.beta2}, {z.delta1, z.delta2}} {
		var negated bn.G1Affine
		negated.Neg(&one1)
		if same, err := bn.PairingCheck([]bn.G1Affine{pair.first, negated}, []bn.G2Affine{one2, pair.second}); err != nil || !same {
			return refuse(zkeyField, "its beta or delta is not the same in both groups")
		}
	}
	return nil
}

func (z *zkey) readPoints(sections map[uint32][]byte) error {
	private := z.wires - z.public - 1
	for _, one := range []struct {
		section uint32
		count   int
		points  *[]bn.G1Affine
	}{{3, z.public + 1, &z.binding}, {5, z.wires, &z.a}, {6, z.wires, &z.b1}, {8, private, &z.private}, {9, z.domain, &z.quotient}} {
		content := sections[one.section]
		if len(content) != one.count*bigG1 {
			return refuse(zkeyField, "its section %d has not %d points", one.section, one.count)
		}
		*one.points = make([]bn.G1Affine, one.count)
		if !inParallel(one.count, func(at int) bool {
			reader := pointReader{content: content[at*bigG1:]}
			(*one.points)[at] = reader.g1()
			return !reader.failed
		}) {
			return refuse(zkeyField, "a point of its section %d is none of BN254", one.section)
		}
	}
	content := sections[7]
	if len(content) != z.wires*bigG2 {
		return refuse(zkeyField, "its section 7 has not %d points", z.wires)
	}
	z.b2 = make([]bn.G2Affine, z.wires)
	if !inParallel(z.wires, func(at int) bool {
		reader := pointReader{content: content[at*bigG2:]}
		z.b2[at] = reader.g2()
		return !reader.failed && z.b2[at].IsInfinity() == z.b1[at].IsInfinity()
	}) {
		return refuse(zkeyField, "a point of its section 7 is none of BN254")
	}
	return nil
}

// keys makes gnark's keys. The points of the quotient change their basis by a transform over the group.
func (z *zkey) keys() (*bn254.ProvingKey, *bn254.VerifyingKey, error) {
	progress("transform", 100)
	powers, err := z.powers()
	if err != nil {
		return nil, nil, err
	}
	progress("write", 900)
	proving, verifying := new(bn254.ProvingKey), new(bn254.VerifyingKey)
	proving.Domain = *fft.NewDomain(uint64(z.domain))
	proving.G1.Alpha, proving.G1.Beta, proving.G1.Delta = z.alpha1, z.beta1, z.delta1
	proving.G2.Beta, proving.G2.Delta = z.beta2, z.delta2
	proving.G1.K, proving.G1.Z = z.private, powers[:z.domain-1]
	proving.InfinityA, proving.InfinityB = make([]bool, z.wires), make([]bool, z.wires)
	for wire := range z.a {
		if proving.InfinityA[wire] = z.a[wire].IsInfinity(); proving.InfinityA[wire] {
			proving.NbInfinityA++
		} else {
			proving.G1.A = append(proving.G1.A, z.a[wire])
		}
		if proving.InfinityB[wire] = z.b1[wire].IsInfinity(); proving.InfinityB[wire] {
			proving.NbInfinityB++
		} else {
			proving.G1.B, proving.G2.B = append(proving.G1.B, z.b1[wire]), append(proving.G2.B, z.b2[wire])
		}
	}
	verifying.G1.Alpha, verifying.G1.Beta, verifying.G1.Delta, verifying.G1.K = z.alpha1, z.beta1, z.delta1, z.binding
	verifying.G2.Beta, verifying.G2.Gamma, verifying.G2.Delta = z.beta2, z.gamma2, z.delta2
	return proving, verifying, verifying.Precompute()
}

// powers returns t^j Z(t) / delta, in the order of reversed bits, as gnark has them.
func (z *zkey) powers() ([]bn.G1Affine, error) {
	turned, err := kzg.ToLagrangeG1(z.quotient) // 1/n of the sum of w^-ij H_i
	if err != nil {
		return nil, err
	}
	shift, err := fr.Generator(uint64(2 * z.domain))
	if err != nil {
		return nil, err
	}
	scales := make([]fr.Element, z.domain)
	scales[0].SetInt64(-2 * int64(z.domain))
	for place := range scales[1:] {
		scales[place+1].Mul(&scales[place], &shift)
	}
	made := make([]bn.G1Affine, z.domain)
	unused := 64 - bits.TrailingZeros64(uint64(z.domain))
	inParallel(z.domain, func(place int) bool {
		var scale big.Int
		to := place
		if z.domain > 1 {
			to = int(bits.Reverse64(uint64(place)) >> unused)
		}
		made[to].ScalarMultiplication(&turned[(z.domain-place)%z.domain], scales[place].BigInt(&scale))
		return true
	})
	return made, nil
}

// checkMatrices compares the coefficients of A and B that a zkey holds with the circuit's, in any order: both are
// applied to random vectors, which tells matrices apart but for one chance in 2^230.
func (c *circuitFile) checkMatrices(content []byte, domain int) error {
	left, right, err := randomElements(domain, int(c.wires))
	if err != nil {
		return err
	}
	if len(content) < 4 || uint64(len(content)-4) != uint64(binary.LittleEndian.Uint32(content))*termOfZkey {
		return refuse(zkeyField, "its section of coefficients has another size than it says")
	}
	var theirs [2]fr.Element
	outOfForm := fr.Element{1} // 1/R: a coefficient is written with R twice
	for terms := content[4:]; len(terms) > 0; terms = terms[termOfZkey:] {
		matrix, row, wire := binary.LittleEndian.Uint32(terms), binary.LittleEndian.Uint32(terms[4:]), binary.LittleEndian.Uint32(terms[8:])
		value, ok := limbsOf(terms[12:], fr.Modulus())
		if !ok || matrix > 1 || int(row) >= domain || wire >= c.wires {
			return refuse(zkeyField, "a coefficient is none of its circuit")
		}
		coefficient := fr.Element(value)
		coefficient.Mul(&coefficient, &outOfForm).Mul(&coefficient, &left[row]).Mul(&coefficient, &right[wire])
		theirs[matrix].Add(&theirs[matrix], &coefficient)
	}
	if theirs != c.applied(left, right) {
		return refuse(zkeyField, "it is for another circuit: its coefficients are not those of the constraints")
	}
	return nil
}

// applied returns left * A * right and left * B * right, with the rows that snarkjs adds.
func (c *circuitFile) applied(left, right []fr.Element) (ours [2]fr.Element) {
	body := c.body
	for row := uint32(0); row < c.constraints; row++ {
		for side := range 3 {
			var terms []byte
			terms, body, _ = c.combination(body) // checked when it was read
			for ; side < 2 && len(terms) > 0; terms = terms[termBytes:] {
				var coefficient fr.Element
				coefficient.SetBytes(reversed(terms[4:termBytes]))
				coefficient.Mul(&coefficient, &left[row]).Mul(&coefficient, &right[binary.LittleEndian.Uint32(terms)])
				ours[side].Add(&ours[side], &coefficient)
			}
		}
	}
	for wire := 0; wire <= c.public(); wire++ {
		var coefficient fr.Element
		coefficient.Mul(&left[int(c.constraints)+wire], &right[wire])
		ours[0].Add(&ours[0], &coefficient)
	}
	return ours
}

// randomElements returns the powers of two elements that nobody foresees, so each place of a matrix has a factor of
// its own.
func randomElements(rows, wires int) (left, right []fr.Element, err error) {
	powers := [2][]fr.Element{make([]fr.Element, rows), make([]fr.Element, wires)}
	for _, made := range powers {
		if _, err := made[0].SetRandom(); err != nil {
			return nil, nil, err
		}
		for place := range made[1:] {
			made[place+1].Mul(&made[place], &made[0])
		}
	}
	return powers[0], powers[1], nil
}

// inParallel does something for each place; it returns whether all went well.
func inParallel(count int, do func(at int) bool) bool {
	workers := runtime.GOMAXPROCS(0)
	var failed atomic.Bool
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for at := worker; at < count && !failed.Load(); at += workers {
				if !do(at) {
					failed.Store(true)
				}
			}
		})
	}
	all.Wait()
	return !failed.Load()
}

// pointReader cuts points off: coordinates in Montgomery's form, little endian; zeros stand for infinity.
type pointReader struct {
	content []byte
	failed  bool
}

func (r *pointReader) coordinate() fp.Element {
	value, ok := limbsOf(r.content, fp.Modulus())
	r.content, r.failed = r.content[elementBytes:], r.failed || !ok
	return value
}

func (r *pointReader) g1() (point bn.G1Affine) {
	point.X, point.Y = r.coordinate(), r.coordinate()
	r.failed = r.failed || !point.IsOnCurve()
	return point
}

func (r *pointReader) g2() (point bn.G2Affine) {
	point.X.A0, point.X.A1 = r.coordinate(), r.coordinate()
	point.Y.A0, point.Y.A1 = r.coordinate(), r.coordinate()
	r.failed = r.failed || !point.IsInSubGroup()
	return point
}

func limbsOf(content []byte, modulus *big.Int) (limbs [4]uint64, ok bool) {
	for place := range limbs {
		limbs[place] = binary.LittleEndian.Uint64(content[8*place:])
	}
	return limbs, new(big.Int).SetBytes(reversed(content[:elementBytes])).Cmp(modulus) < 0
}
