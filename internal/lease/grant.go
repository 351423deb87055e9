package lease

import (
	"math"
	"math/bits"

	"github.com/gantry-ai/gantry/internal/kernel/money"
)

const (
	// holdsPerLease is how many holds a shared lease has room for at least.
	holdsPerLease = 16
	// shareOfLease is the part of what is spendable that one lease may take: 10 %.
	shareOfLease = 10
)

// State is a wallet as the authority sees it when it is asked.
type State struct {
	Spendable money.Amount
	Nodes     int64 // that live
	Exact     bool  // the mode so far
}

// Plan is what the authority decides on an Ask.
type Plan struct {
	Exact bool
	// Shared is the size of the lease to share; 0: none.
	Shared money.Amount
	// Held tells which holds get a lease of their own, in exact mode.
	Held []bool
}

// Decide says how an ask is to be answered: with a shared lease of clamp(16 × H, spend rate × 2 s, 10 % of spendable),
// or, when spendable < nodes × 16 × H, hold by hold. A wallet leaves the exact mode at twice that sum, so that it does
// not change its mode with every call.
func Decide(s State, a Ask) Plan {
	largest := a.Typical
	for _, h := range a.Holds {
		largest = max(largest, h.Amount)
	}
	low := times(times(largest, holdsPerLease), max(s.Nodes, 1))
	if s.Exact {
		low = times(low, 2)
	}
	if s.Spendable < low || s.Spendable <= 0 {
		return Plan{Exact: true, Held: heldBy(s.Spendable, a.Holds)}
	}
	if largest == 0 {
		return Plan{Exact: s.Exact}
	}
	most := s.Spendable / shareOfLease
	return Plan{Shared: max(largest, min(max(times(largest, holdsPerLease), a.Rate), most))}
}

// heldBy gives to the oldest first; who asks for less may still get it when who asks for more does not.
func heldBy(spendable money.Amount, holds []Hold) []bool {
	held := make([]bool, len(holds))
	for i, h := range holds {
		if h.Amount <= max(spendable, 0) {
			held[i], spendable = true, spendable-h.Amount
		}
	}
	return held
}

// times multiplies amounts that are not negative; what is too large becomes the largest amount.
func times(a money.Amount, n int64) money.Amount {
	hi, lo := bits.Mul64(uint64(max(a, 0)), uint64(max(n, 0)))
	if hi > 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return money.Amount(lo)
}
