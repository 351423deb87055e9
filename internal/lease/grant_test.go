package lease

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

func TestSizeOfALease(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state State
		ask   Ask
		want  Plan
	}{
		"16 holds":             {State{Spendable: 100_000, Nodes: 3}, Ask{Typical: 10}, Plan{Shared: 160}},
		"two seconds":          {State{Spendable: 100_000, Nodes: 3}, Ask{Typical: 10, Rate: 900}, Plan{Shared: 900}},
		"a tenth at most":      {State{Spendable: 1_000, Nodes: 3}, Ask{Typical: 10, Rate: 900}, Plan{Shared: 100}},
		"one hold at least":    {State{Spendable: 1_000, Nodes: 1}, Ask{Typical: 10, Holds: []Hold{{Amount: 62}}}, Plan{Shared: 100}},
		"more than a tenth":    {State{Spendable: 992, Nodes: 1}, Ask{Holds: []Hold{{Amount: 62}}}, Plan{Shared: 99}},
		"near zero":            {State{Spendable: 479, Nodes: 3}, Ask{Typical: 10, Holds: []Hold{{Amount: 10}}}, Plan{Exact: true, Held: []bool{true}}},
		"not near zero":        {State{Spendable: 480, Nodes: 3}, Ask{Typical: 10, Holds: []Hold{{Amount: 10}}}, Plan{Shared: 48}},
		"stays exact":          {State{Spendable: 959, Nodes: 3, Exact: true}, Ask{Holds: []Hold{{Amount: 10}}}, Plan{Exact: true, Held: []bool{true}}},
		"leaves exact":         {State{Spendable: 960, Nodes: 3, Exact: true}, Ask{Holds: []Hold{{Amount: 10}}}, Plan{Shared: 96}},
		"some fit":             {State{Spendable: 25}, Ask{Holds: []Hold{{Amount: 10}, {Amount: 20}, {Amount: 15}, {Amount: 1}}}, Plan{Exact: true, Held: []bool{true, false, true, false}}},
		"nothing is left":      {State{Spendable: 0}, Ask{Typical: 1}, Plan{Exact: true, Held: []bool{}}},
		"below zero":           {State{Spendable: -5}, Ask{Holds: []Hold{{Amount: 0}, {Amount: 1}}}, Plan{Exact: true, Held: []bool{true, false}}},
		"only a look":          {State{Spendable: 50}, Ask{}, Plan{}},
		"too large to compute": {State{Spendable: math.MaxInt64 - 1, Nodes: 3}, Ask{Typical: math.MaxInt64 / 2}, Plan{Exact: true, Held: []bool{}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Decide(c.state, c.ask)
			if got.Exact != c.want.Exact || got.Shared != c.want.Shared || !slices.Equal(got.Held, c.want.Held) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestPlanIsCovered holds every plan against what is spendable.
func TestPlanIsCovered(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		amounts := rapid.Int64Range(0, math.MaxInt64)
		s := State{
			Spendable: money.Amount(rapid.Int64().Draw(r, "spendable")), Nodes: rapid.Int64Range(0, 50).Draw(r, "nodes"),
			Exact: rapid.Bool().Draw(r, "exact"),
		}
		a := Ask{Typical: money.Amount(amounts.Draw(r, "typical")), Rate: money.Amount(amounts.Draw(r, "rate"))}
		for _, amount := range rapid.SliceOfN(amounts, 0, 5).Draw(r, "holds") {
			a.Holds = append(a.Holds, Hold{id.ID{}, money.Amount(amount)})
		}
		plan := Decide(s, a)
		left := max(s.Spendable, 0) - plan.Shared
		for i, held := range plan.Held {
			if held {
				left -= a.Holds[i].Amount
			}
		}
		if left < 0 || plan.Shared < 0 || plan.Exact && plan.Shared > 0 {
			r.Fatalf("%+v of %d", plan, s.Spendable)
		}
	})
}

func TestSpendingIsMeasuredOverTwoSeconds(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_700_000_000, 0)
	var w window
	w.add(at, 10)
	w.add(at.Add(time.Second), 30)
	for after, want := range map[time.Duration][2]money.Amount{
		time.Second: {40, 30}, 3 * time.Second: {40, 30}, 5 * time.Second: {0, 0},
	} {
		v := w
		now := at.Add(after)
		if got := [2]money.Amount{v.total(now), v.largest(now)}; got != want {
			t.Errorf("after %v: %v, want %v", after, got, want)
		}
	}
}

func TestLeaseIsNotSpentPastItsDeadline(t *testing.T) {
	t.Parallel()
	terms := Terms{}.Normal()
	sent := time.Unix(1_700_000_000, 0)
	p := newPurse(id.New(), terms, 0, sent)
	_, w := p.hold(sent, 10)
	_, ask := p.next(sent)
	p.offered(sent, sent.Add(time.Second), ask, Offer{Granted: 100}, nil)
	<-w.done
	end := sent.Add(terms.TTL - terms.Margin) // from when it was asked for, not from when it was given
	if _, w := p.hold(end.Add(-1), 10); w != nil {
		t.Error("refused before the deadline")
	}
	if _, w := p.hold(end, 10); w == nil {
		t.Error("spent at the deadline")
	}
}

func TestRefillIsAskedForAtHalf(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	p := newPurse(id.New(), Terms{}.Normal(), 0, now)
	p.hold(now, 10)
	_, ask := p.next(now)
	p.offered(now, now, ask, Offer{Granted: 100}, nil)
	for held := 10; held <= 50; held += 10 {
		if _, ask := p.next(now); ask != nil {
			t.Fatalf("asked for more when %d of 100 was held", held)
		}
		p.hold(now, 10)
	}
	if _, ask := p.next(now); ask == nil || len(ask.Holds) != 0 || ask.Typical != 10 || ask.Rate != 60 {
		t.Errorf("when 60 of 100 was held it asked %+v", ask)
	}
}

// refusal has a call wait, and answers what its node asks with no until the call is refused; it returns how long that took.
func refusal(t *testing.T, took time.Duration, offer func(asked int) Offer) time.Duration {
	t.Helper()
	began := time.Unix(1_700_000_000, 0)
	p := newPurse(id.New(), Terms{}.Normal(), 0, began)
	_, w := p.hold(began, 10)
	now := began
	for asked := range 1000 {
		_, ask := p.next(now)
		if ask == nil {
			now = now.Add(retryAfter)
			continue
		}
		sent := now
		now = now.Add(took)
		p.offered(sent, now, ask, offer(asked), nil)
		select {
		case <-w.done:
			if w.err == nil {
				t.Fatal("it was not refused")
			}
			return sent.Sub(began)
		default:
		}
	}
	t.Fatal("it waits for ever")
	return 0
}

// TestRefusalWaitsForWhatComesBack counts the wait from the authority's first no to the moment when the last was asked for.
func TestRefusalWaitsForWhatComesBack(t *testing.T) {
	t.Parallel()
	always := func(o Offer) func(int) Offer { return func(int) Offer { return o } }
	recall := Terms{}.Normal().Recall
	for name, c := range map[string]struct {
		took       time.Duration
		offer      func(int) Offer
		from, upTo time.Duration
	}{
		"nothing is out":            {time.Millisecond, always(Offer{Exact: true}), 0, 0},
		"calls hold it":             {time.Millisecond, always(Offer{Exact: true, Outstanding: true}), recall, recall + 2*retryAfter},
		"calls hold it, slow":       {time.Second, always(Offer{Exact: true, Outstanding: true}), time.Second + recall, 2*time.Second + recall},
		"a node does not return it": {time.Millisecond, always(Offer{Exact: true, Outstanding: true, Unreturned: true}), recall + returnWithin, recall + returnWithin + 2*retryAfter},
		"a node returned it late": {time.Millisecond, func(asked int) Offer {
			return Offer{Exact: true, Outstanding: true, Unreturned: asked < 40}
		}, 500 * time.Millisecond, 600 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := refusal(t, c.took, c.offer); got < c.from || got > c.upTo {
				t.Errorf("refused after %v, want %v to %v", got, c.from, c.upTo)
			}
		})
	}
}

// TestRecallIsAnsweredOnce has a lease that calls use up to the last unit say that nothing of it can come back.
func TestRecallIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	p := newPurse(id.New(), Terms{}.Normal(), 0, now)
	p.hold(now, 10)
	_, ask := p.next(now)
	p.offered(now, now, ask, Offer{Granted: 10}, nil)
	p.recall()
	trims, _ := p.next(now)
	if len(trims) != 1 || trims[0].To != 10 || trims[0].Close {
		t.Fatalf("it told %+v", trims)
	}
	p.told(now, trims, nil)
	if again, _ := p.next(now); len(again) > 0 {
		t.Errorf("it told %+v again", again)
	}
}
