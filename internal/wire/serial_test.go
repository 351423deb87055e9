package wire_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire"
)

// TestSerialPutsBlocksOneAfterAnother interleaves blocks at random: nothing is lost, the order within a block and the order of
// openings stay, and never are two blocks of a candidate open.
func TestSerialPutsBlocksOneAfterAnother(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		in := interleaved(rand.New(rand.NewPCG(seed, 1)))
		var s wire.Serial
		var out []inference.Delta
		for _, d := range in {
			out = s.Append(out, d)
		}
		if len(out) != len(in) || s.Held() != 0 {
			t.Fatalf("seed %d: %d deltas of %d, %d bytes held", seed, len(out), len(in), s.Held())
		}
		for c := range 2 {
			open := -1
			for _, d := range of(out, c) {
				switch d.Kind {
				case inference.DeltaOpen:
					if open >= 0 {
						t.Fatalf("seed %d: block %d opens in block %d", seed, d.Block, open)
					}
					open = d.Block
				case inference.DeltaClose:
					open = -1
				case inference.DeltaFragment:
					if d.Block != open {
						t.Fatalf("seed %d: a fragment of %d in %d", seed, d.Block, open)
					}
				default:
				}
			}
			if got, want := texts(of(out, c)), texts(of(in, c)); !slices.Equal(got, want) {
				t.Fatalf("seed %d: %v, want %v", seed, got, want)
			}
		}
	}
}

// TestSerialClosesWhatIsOpenAtTheEnd covers upstreams that never say that a call is complete.
func TestSerialClosesWhatIsOpenAtTheEnd(t *testing.T) {
	t.Parallel()
	var s wire.Serial
	var out []inference.Delta
	for _, d := range []inference.Delta{
		{Kind: inference.DeltaOpen, Candidate: 1},
		{Kind: inference.DeltaOpen, Candidate: 1, Block: 1},
		{Kind: inference.DeltaFinish, Candidate: 1},
		{Kind: inference.DeltaEnd},
	} {
		out = s.Append(out, d)
	}
	var kinds []inference.DeltaKind
	for _, d := range out {
		if d.Kind != inference.DeltaEnd && d.Candidate != 1 {
			t.Errorf("of another candidate: %+v", d)
		}
		kinds = append(kinds, d.Kind)
	}
	want := []inference.DeltaKind{
		inference.DeltaOpen, inference.DeltaClose, inference.DeltaOpen, inference.DeltaClose, inference.DeltaFinish, inference.DeltaEnd,
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("%v, want %v", kinds, want)
	}
}

// interleaved makes the deltas of two candidates with several blocks each, in any order that a stream may have.
func interleaved(r *rand.Rand) []inference.Delta {
	var queues [][]inference.Delta
	for c := range 2 {
		for b := range 1 + r.IntN(3) {
			q := []inference.Delta{{Kind: inference.DeltaOpen, Candidate: c, Block: b}}
			for i := range r.IntN(4) {
				q = append(q, inference.Delta{Kind: inference.DeltaFragment, Candidate: c, Block: b, Text: strconv.Itoa(i)})
			}
			queues = append(queues, append(q, inference.Delta{Kind: inference.DeltaClose, Candidate: c, Block: b}))
		}
	}
	var out []inference.Delta
	opened := map[int]int{} // the blocks of a candidate open in order
	for len(queues) > 0 {
		i := r.IntN(len(queues))
		d := queues[i][0]
		if d.Kind == inference.DeltaOpen {
			if opened[d.Candidate] != d.Block {
				continue
			}
			opened[d.Candidate]++
		}
		out = append(out, d)
		if queues[i] = queues[i][1:]; len(queues[i]) == 0 {
			queues = slices.Delete(queues, i, i+1)
		}
	}
	return out
}

func of(deltas []inference.Delta, candidate int) []inference.Delta {
	return slices.DeleteFunc(slices.Clone(deltas), func(d inference.Delta) bool { return d.Candidate != candidate })
}

// texts joins what was said in each block.
func texts(deltas []inference.Delta) []string {
	var out []string
	for _, d := range deltas {
		for len(out) <= d.Block {
			out = append(out, "")
		}
		out[d.Block] += d.Text
	}
	return out
}
