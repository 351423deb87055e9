package relay_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/relay"
)

// shares counts which credentials n requests begin with.
func (f *fleet) shares(n int, conversation func(int) string) map[id.ID]int {
	f.t.Helper()
	out := map[id.ID]int{}
	for i := range n {
		target, err := f.relay.Begin(conversation(i))
		if err != nil {
			f.t.Fatal(err)
		}
		out[target.CredentialID]++
	}
	return out
}

func noConversation(int) string { return "" }

// many is of how many requests shares are counted.
const many = 10_000

// near checks a share of many requests to 2 % of all.
func near(t *testing.T, what string, got int, want float64) {
	t.Helper()
	if share := float64(got) / many; math.Abs(share-want) > 0.02 {
		t.Errorf("%s got %.4f of the requests, want %.4f", what, share, want)
	}
}

func TestSharesByWeight(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	keyed, _ := f.add(0, 1, 2, 3, 4, 0) // a platform's share does not grow with its keys
	_, heavy := f.add(0, 1)
	heavy.Weight = 3
	f.add(1, 1) // a later priority
	f.compile()
	got := f.shares(many, noConversation)
	for i, weight := range []float64{1, 2, 3, 4, 0} {
		near(t, fmt.Sprint("key ", i), got[keyed.Credentials[i].ID], weight/10/4)
	}
	near(t, "the heavy platform", got[f.src.Platforms[1].Credentials[0].ID], 3./4)
	if got[keyed.Credentials[4].ID] != 0 || got[f.src.Platforms[2].Credentials[0].ID] != 0 {
		t.Errorf("a reserve, or a later priority, was used: %v", got)
	}
}

func TestSharesAreExactSoon(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	f.add(0, 1)
	f.add(0, 1)
	f.compile()
	got := f.shares(100, noConversation)
	for key, n := range got {
		if n < 47 || n > 53 {
			t.Errorf("%s got %d of 100", key, n)
		}
	}
}

func TestKeyStrategies(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]float64{
		"random": {.25, .25, .25, .25}, "polling": {.25, .25, .25, .25}, "weight": {.1, .2, .3, .4}, "sticky": {.1, .2, .3, .4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, relay.Limits{})
			p, _ := f.add(0, 1, 2, 3, 4)
			p.Config = json.RawMessage(`{"credentialStrategy":"` + name + `"}`)
			f.compile()
			got := f.shares(many, func(i int) string { return fmt.Sprint("conversation ", i) })
			for i := range want {
				near(t, fmt.Sprint("key ", i), got[p.Credentials[i].ID], want[i])
			}
		})
	}
}

func TestPollingTakesOneAfterTheOther(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	p, _ := f.add(0, 5, 1, 1)
	p.Config = json.RawMessage(`{"credentialStrategy":"polling"}`)
	f.compile()
	for i := range 9 {
		target, err := f.relay.Begin("")
		if err != nil || target.CredentialID != p.Credentials[i%3].ID {
			t.Fatalf("request %d: %+v, %v", i, target, err)
		}
	}
}

// TestConversationsStay: when a key leaves rotation its own conversations move, and no other, and they come back with it.
func TestConversationsStay(t *testing.T) {
	t.Parallel()
	f := newFleet(t, relay.Limits{})
	p, _ := f.add(0, 1, 1, 1, 1)
	p.Config = json.RawMessage(`{"credentialStrategy":"sticky"}`)
	f.compile()
	at := func() []id.ID {
		out := make([]id.ID, many)
		for i := range out {
			target, err := f.relay.Begin(fmt.Sprint("conversation ", i))
			if err != nil {
				t.Fatal(err)
			}
			out[i] = target.CredentialID
		}
		return out
	}
	before := at()
	gone := p.Credentials[2]
	p.Credentials = append(p.Credentials[:2:2], p.Credentials[3])
	f.compile()
	moved := 0
	for i, now := range at() {
		switch {
		case before[i] == gone.ID && now == gone.ID:
			t.Fatal("a key that is gone is used")
		case before[i] == gone.ID:
			moved++
		case now != before[i]:
			t.Fatalf("conversation %d moved from a key that stayed", i)
		}
	}
	near(t, "the key that went", moved, .25)
	p.Credentials = append(p.Credentials, gone)
	f.compile()
	for i, now := range at() {
		if now != before[i] {
			t.Fatalf("conversation %d did not come back", i)
		}
	}
}

func TestDecidingDoesNotAllocate(t *testing.T) {
	f := newFleet(t, relay.Limits{})
	f.add(0, 1)
	f.compile()
	if n := testing.AllocsPerRun(200, f.relay.PlanAllocations()); n != 0 {
		t.Errorf("%v allocations for one target", n)
	}
	f.add(0, 1, 1, 1)
	f.add(1, 1)
	f.compile()
	if n := testing.AllocsPerRun(200, f.relay.PlanAllocations()); n != 0 {
		t.Errorf("%v allocations among several", n)
	}
}
