package mp4

import "math/bits"

// bitWriter writes the syntax elements of H.264. Source: ITU-T H.264, clauses 7.2 and 9.1.
type bitWriter struct {
	out  []byte
	cur  uint64
	have int // bits in cur
}

// u writes the lowest n bits of v, n up to 32.
func (w *bitWriter) u(n int, v uint32) {
	w.cur = w.cur<<n | uint64(v)&(1<<n-1)
	w.have += n
	for w.have >= 8 {
		w.have -= 8
		w.out = append(w.out, byte(w.cur>>w.have)) //nolint:gosec // the next eight bits
	}
}

// ue writes an unsigned Exp-Golomb code.
func (w *bitWriter) ue(v int) {
	n := bits.Len(uint(v + 1))
	w.u(n-1, 0)
	w.u(n, uint32(v+1)) //nolint:gosec // small
}

// align writes zeros up to the end of the byte.
func (w *bitWriter) align() {
	if w.have > 0 {
		w.u(8-w.have, 0)
	}
}

// trailing ends a unit: a one, and zeros up to the end of the byte.
func (w *bitWriter) trailing() {
	w.u(1, 1)
	w.align()
}

// unit is a whole unit with its header: a byte is put in wherever the payload would look like a start code.
func unit(header byte, payload []byte) []byte {
	out := append(make([]byte, 0, len(payload)+len(payload)/64+8), header)
	zeros := 0
	for _, b := range payload {
		if zeros == 2 && b <= 3 {
			out = append(out, 3)
			zeros = 0
		}
		out = append(out, b)
		if zeros++; b != 0 {
			zeros = 0
		}
	}
	return out
}
