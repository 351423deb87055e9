package wire

import "github.com/gantry-ai/gantry/internal/inference"

// Serial puts the blocks of a stream one after another: while a block of a candidate is open, what belongs to its later
// blocks is kept. Most streams are serial as they are and pass through. The zero value is ready. It is for one goroutine.
type Serial struct {
	candidates []serialCandidate
	held       int
}

// heldDelta is about what a kept delta takes beside its text.
const heldDelta = 512

// Held is about how many bytes are kept: who reads streams of strangers bounds it.
func (s *Serial) Held() int { return s.held }

func size(d *inference.Delta) int { return heldDelta + len(d.Text) + len(d.Part.Text) }

type serialCandidate struct {
	index int
	open  bool
	// block is the one that is open.
	block int
	kept  []inference.Delta // of later blocks, in the order in which they came
}

// Append appends d, or what it sets free, to dst.
func (s *Serial) Append(dst []inference.Delta, d inference.Delta) []inference.Delta {
	switch d.Kind {
	case inference.DeltaOpen, inference.DeltaFragment, inference.DeltaSeal, inference.DeltaCite, inference.DeltaClose:
		return s.of(d.Candidate).append(dst, d, &s.held)
	case inference.DeltaFinish:
		dst = s.of(d.Candidate).settle(dst, &s.held)
	case inference.DeltaEnd:
		for i := range s.candidates {
			dst = s.candidates[i].settle(dst, &s.held)
		}
	case inference.DeltaBegin, inference.DeltaUsage, inference.DeltaFailed:
	}
	return append(dst, d)
}

func (s *Serial) of(candidate int) *serialCandidate {
	for len(s.candidates) <= candidate {
		s.candidates = append(s.candidates, serialCandidate{index: len(s.candidates)})
	}
	return &s.candidates[candidate]
}

func (c *serialCandidate) append(dst []inference.Delta, d inference.Delta, held *int) []inference.Delta {
	if c.open && d.Block != c.block {
		c.kept = append(c.kept, d)
		*held += size(&d)
		return dst
	}
	dst = append(dst, d)
	switch d.Kind {
	case inference.DeltaOpen:
		c.open, c.block = true, d.Block
	case inference.DeltaClose:
		c.open = false
		dst = c.release(dst, held)
	default:
	}
	return dst
}

// release lets the next kept block go, and those after it as far as they are closed.
func (c *serialCandidate) release(dst []inference.Delta, held *int) []inference.Delta {
	kept := c.kept
	c.kept = nil
	for _, d := range kept {
		*held -= size(&d)
		dst = c.append(dst, d, held)
	}
	return dst
}

// settle closes what is open: the candidate is complete.
func (c *serialCandidate) settle(dst []inference.Delta, held *int) []inference.Delta {
	for c.open {
		dst = c.append(dst, inference.Delta{Kind: inference.DeltaClose, Candidate: c.index, Block: c.block}, held)
	}
	return dst
}
