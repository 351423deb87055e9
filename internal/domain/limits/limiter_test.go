package limits_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/limits"
	"github.com/gantry-ai/gantry/internal/domain/limits/limitstest"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
)

func rate(t interface{ Fatal(...any) }, s limits.Scope, text string) limits.Subject {
	r, err := limits.ParseRateLimit("rateLimitPolicy", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return limits.Subject{Scope: s, Policy: limits.Policy{Rate: r}}
}

type limited struct {
	*limits.Limiter

	clock *clock.Manual
}

func newLimited() limited {
	c := clock.NewManual(noon)
	return limited{limits.NewLimiter(c.Now), c}
}

// ask admits a request and ends it as it was estimated.
func (l limited) ask(t *testing.T, w limits.Weights, subjects ...limits.Subject) error {
	t.Helper()
	a, err := l.Admit(t.Context(), subjects, w)
	a.End(w, w)
	a.End(limits.Weights{}, limits.Weights{}) // an admission ends once
	return err
}

var once = limits.Weights{Requests: 1}

func limitedUntil(t *testing.T, err error, want *fault.Error, wait time.Duration) {
	t.Helper()
	if f := fault.From(err); !errors.Is(err, want) || f.Status != 429 || f.RetryAfter != wait {
		t.Fatalf("error = %v (after %v), want %s after %v", err, fault.From(err).RetryAfter, want.Code, wait)
	}
}

func TestWindowSlides(t *testing.T) {
	t.Parallel()
	l := newLimited()
	key := rate(t, scopeOf(limits.KindKey), `{"rpm":2}`)
	for range 2 {
		if err := l.ask(t, once, key); err != nil {
			t.Fatal(err)
		}
	}
	// A part of a sixteenth, 3.75 s, leaves as a whole.
	limitedUntil(t, l.ask(t, once, key), limits.ErrRate, 63750*time.Millisecond)
	l.clock.Advance(-time.Hour) // a clock that goes back frees nothing
	limitedUntil(t, l.ask(t, once, key), limits.ErrRate, time.Hour+63750*time.Millisecond)
	l.clock.Advance(time.Hour + 60*time.Second)
	limitedUntil(t, l.ask(t, once, key), limits.ErrRate, 3750*time.Millisecond)
	l.clock.Advance(3750 * time.Millisecond)
	if err := l.ask(t, once, key); err != nil {
		t.Error(err)
	}
}

func TestTokensAreCorrected(t *testing.T) {
	t.Parallel()
	l := newLimited()
	key := rate(t, scopeOf(limits.KindKey), `{"tpm":100}`)
	big := limits.Weights{Tokens: 5000}
	first, err := l.Admit(t.Context(), []limits.Subject{key}, big)
	if err != nil {
		t.Fatalf("an estimate above the limit must not refuse all: %v", err)
	}
	if first.Tokens != (limits.Level{Limit: 100, Remaining: 0, Reset: 63750 * time.Millisecond}) {
		t.Errorf("level %+v", first.Tokens)
	}
	limitedUntil(t, l.ask(t, limits.Weights{Tokens: 1}, key), limits.ErrRate, 63750*time.Millisecond)
	first.End(limits.Weights{Tokens: 30}, limits.Weights{})
	second, err := l.Admit(t.Context(), []limits.Subject{key}, limits.Weights{Tokens: 60})
	if err != nil || second.Tokens.Remaining != 10 {
		t.Fatalf("%v, level %+v", err, second.Tokens)
	}
	second.End(limits.Weights{}, limits.Weights{}) // came to nothing
	if got := l.Windows(nil); len(got) != 1 || got[0].Used != 30 || got[0].Reserved != 0 {
		t.Errorf("windows %+v", got)
	}
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	l := newLimited()
	key := rate(t, scopeOf(limits.KindKey), `{"concurrent":2}`)
	a, _ := l.Admit(t.Context(), []limits.Subject{key}, once)
	b, _ := l.Admit(t.Context(), []limits.Subject{key}, once)
	limitedUntil(t, l.ask(t, once, key), limits.ErrRate, time.Second)
	if l.Open(key.Scope) != 2 || len(l.Windows(nil)) != 1 {
		t.Errorf("%d open, windows %+v", l.Open(key.Scope), l.Windows(nil))
	}
	b.End(once, once)
	if err := l.ask(t, once, key); err != nil {
		t.Error(err)
	}
	a.End(once, once)
	if l.Open(key.Scope) != 0 {
		t.Error("requests stay open")
	}
	l.Sweep()
}

// TestAllScopesOrNone, and whose limit is told: the caller's before the target's.
func TestAllScopesOrNone(t *testing.T) {
	t.Parallel()
	l := newLimited()
	user, platform := rate(t, scopeOf(limits.KindUser), `{"rpm":2}`), rate(t, scopeOf(limits.KindPlatform), `{"rpm":1}`)
	if err := l.ask(t, once, user, platform); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		limitedUntil(t, l.ask(t, once, user, platform), limits.ErrTarget, 63750*time.Millisecond)
	}
	if err := l.ask(t, once, user); err != nil {
		t.Fatalf("refused requests were counted: %v", err)
	}
	limitedUntil(t, l.ask(t, once, user, platform), limits.ErrRate, 63750*time.Millisecond)
}

func TestAmountsHaveAWindowPerCurrency(t *testing.T) {
	t.Parallel()
	l := newLimited()
	key := rate(t, scopeOf(limits.KindKey), `{"windows":[{"metric":"amount","limit":"0.5","windowSeconds":60}]}`)
	pay := func(units money.Amount, c money.Currency) error {
		return l.ask(t, limits.Weights{Amount: units, Currency: c}, key)
	}
	if err := errors.Join(pay(5e8, money.USD), pay(5e8, money.CNY), pay(5e5, "JPY")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []money.Currency{money.USD, money.CNY, "JPY"} {
		limitedUntil(t, pay(1, c), limits.ErrRate, 63750*time.Millisecond)
	}
}

// TestNoStretchHoldsMoreThanTheLimit admits at random times and checks every stretch of a window's length.
func TestNoStretchHoldsMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := newLimited()
		key := rate(rt, scopeOf(limits.KindKey), `{"windows":[{"metric":"images","limit":20,"windowSeconds":60}]}`)
		type admitted struct {
			at     time.Time
			weight int64
		}
		var log []admitted
		for range rapid.IntRange(1, 120).Draw(rt, "requests") {
			l.clock.Advance(time.Duration(rapid.Int64Range(0, int64(9*time.Second)).Draw(rt, "pause")))
			w := limits.Weights{Images: rapid.Int64Range(1, 8).Draw(rt, "images")}
			if l.ask(t, w, key) == nil {
				log = append(log, admitted{l.clock.Now(), w.Images})
			}
		}
		for i := range log {
			var sum int64
			for _, a := range log[i:] {
				if a.at.Sub(log[i].at) < time.Minute {
					sum += a.weight
				}
			}
			if sum > 20 {
				rt.Fatalf("%d images in a minute from %v", sum, log[i].at)
			}
		}
	})
}

// TestConcurrentRequestsNeverExceedALimit, and all that fit are admitted.
func TestConcurrentRequestsNeverExceedALimit(t *testing.T) {
	t.Parallel()
	l := newLimited()
	tenant, model := rate(t, scopeOf(limits.KindTenant), `{"rpm":50}`), rate(t, scopeOf(limits.KindModel), `{"rpm":1000,"concurrent":1000}`)
	keys := []limits.Subject{rate(t, scopeOf(limits.KindKey), `{"rpm":30}`), rate(t, scopeOf(limits.KindKey), `{"rpm":30}`)}
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			subjects := []limits.Subject{tenant, keys[i%2], model}
			if i%4 < 2 {
				subjects[0], subjects[2] = subjects[2], subjects[0]
			}
			a, err := l.Admit(t.Context(), subjects, once)
			if err != nil {
				return
			}
			admitted.Add(1)
			a.End(once, once)
		})
	}
	wg.Wait()
	if admitted.Load() != 50 {
		t.Errorf("%d admitted, want 50", admitted.Load())
	}
}

// TestTokensOvershootByOneRequest: an estimate that was cut to what is left lets one request pass, never two.
func TestTokensOvershootByOneRequest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := newLimited()
		key := rate(rt, scopeOf(limits.KindKey), `{"tpm":1000}`)
		var mu sync.Mutex
		var used, most int64
		var wg sync.WaitGroup
		for _, estimate := range rapid.SliceOfN(rapid.Int64Range(1, 900), 2, 30).Draw(rt, "estimates") {
			wg.Go(func() {
				a, err := l.Admit(t.Context(), []limits.Subject{key}, limits.Weights{Tokens: estimate})
				if err != nil {
					return
				}
				mu.Lock()
				used, most = used+estimate, max(most, estimate)
				mu.Unlock()
				a.End(limits.Weights{Tokens: estimate}, limits.Weights{})
			})
		}
		wg.Wait()
		if used > 1000+most {
			rt.Fatalf("%d tokens of 1000, the largest request made %d", used, most)
		}
	})
}

func TestLongWindowsSurviveARestart(t *testing.T) {
	t.Parallel()
	l := newLimited()
	var store limitstest.Store
	key := rate(t, scopeOf(limits.KindKey), `{"rpm":100,"rpd":3}`)
	for range 2 {
		if err := l.ask(t, once, key); err != nil {
			t.Fatal(err)
		}
	}
	store.Fail(errors.New("disk"))
	if l.Save(t.Context(), &store, "n") == nil {
		t.Fatal("saved to a broken disk")
	}
	store.Fail(nil)
	if err := l.Save(t.Context(), &store, "n"); err != nil {
		t.Fatal(err)
	}
	again := newLimited()
	again.clock.Advance(time.Hour)
	if err := again.Load(t.Context(), &store, "n"); err != nil {
		t.Fatal(err)
	}
	if err := again.ask(t, once, key); err != nil {
		t.Fatal(err)
	}
	limitedUntil(t, again.ask(t, once, key), limits.ErrRate, 24*time.Hour+30*time.Minute) // 17 parts of 1.5 h, less the hour that passed
	again.Reset(key.Scope)
	if err := again.ask(t, once, key); err != nil {
		t.Errorf("after a reset: %v", err)
	}
}

// sharedFake answers as a test says.
type sharedFake struct {
	mu    sync.Mutex
	take  func([]limits.Claim) (limits.Verdict, error)
	given []limits.Correction
	asked int
}

func (s *sharedFake) Take(_ context.Context, _ id.ID, claims []limits.Claim) (limits.Verdict, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.take(claims)
}

func (s *sharedFake) Give(_ id.ID, c []limits.Correction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = append(s.given, c...)
}

func grantAll(claims []limits.Claim) (limits.Verdict, error) {
	v := limits.Verdict{Refused: -1}
	for _, c := range claims {
		v.Grants = append(v.Grants, limits.Grant{Tick: 7, Took: c.Weight, Left: c.Limit - c.Weight})
	}
	return v, nil
}

func TestSharedCountsDecide(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(noon)
	fake := &sharedFake{take: grantAll}
	l := limits.NewSharedLimiter(c.Now, limits.Sharing{Shared: fake, Nodes: func() int { return 3 }})
	key := rate(t, scopeOf(limits.KindKey), `{"tpm":90,"concurrent":9}`)
	a, err := l.Admit(t.Context(), []limits.Subject{key, {Scope: scopeOf(limits.KindUser)}}, limits.Weights{Requests: 1, Tokens: 20})
	if err != nil || a.Tokens != (limits.Level{Limit: 90, Remaining: 70, Reset: time.Minute}) {
		t.Fatalf("%v, level %+v", err, a.Tokens)
	}
	a.End(limits.Weights{Tokens: 5}, limits.Weights{})
	want := []limits.Correction{
		{Claim: limits.Claim{Scope: key.Scope, Metric: limits.Concurrent, Limit: 9, Weight: 1}, Tick: 7, Took: 1, Actual: 1},
		{Claim: limits.Claim{Scope: key.Scope, Metric: limits.Tokens, Span: time.Minute, Limit: 90, Weight: 20}, Tick: 7, Took: 20, Actual: 5},
	}
	if diff := cmp.Diff(want, fake.given); diff != "" {
		t.Error(diff)
	}
	fake.take = func([]limits.Claim) (limits.Verdict, error) {
		return limits.Verdict{Refused: 1, Wait: time.Second, Grants: []limits.Grant{{Left: 3}, {Left: -4}}}, nil
	}
	a, err = l.Admit(t.Context(), []limits.Subject{key}, limits.Weights{Tokens: 1})
	limitedUntil(t, err, limits.ErrRate, time.Second)
	if a.Open() || a.Tokens != (limits.Level{Limit: 90, Reset: time.Second}) {
		t.Errorf("level of a refusal %+v", a.Tokens)
	}
	if got := l.Windows(nil); len(got) != 1 || got[0].Used != 5 || got[0].Reserved != 0 {
		t.Errorf("a refusal is counted: %+v", got)
	}
}

// TestSharedCountsAway: each node admits its part, is never unlimited, and asks again after a while.
func TestSharedCountsAway(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(noon)
	fake := &sharedFake{take: func([]limits.Claim) (limits.Verdict, error) { return limits.Verdict{}, errors.New("away") }}
	l := limited{limits.NewSharedLimiter(c.Now, limits.Sharing{Shared: fake, Nodes: func() int { return 3 }}), c}
	key := rate(t, scopeOf(limits.KindKey), `{"rpm":10}`)
	for range 3 {
		if err := l.ask(t, once, key); err != nil {
			t.Fatal(err)
		}
	}
	limitedUntil(t, l.ask(t, once, key), limits.ErrRate, 63750*time.Millisecond)
	if fake.asked != 1 {
		t.Errorf("asked %d times while away", fake.asked)
	}
	small := rate(t, scopeOf(limits.KindKey), `{"rpm":1}`)
	if err := l.ask(t, once, small); err != nil {
		t.Errorf("a limit below the number of nodes: %v", err)
	}
	c.Advance(time.Second)
	fake.take = grantAll
	if err := l.ask(t, once, key); err != nil || fake.asked != 2 {
		t.Errorf("%v, asked %d times", err, fake.asked)
	}
}

// TestSharedCountsAreTriedSeldom: while nobody answers, one request at a time tries, ever more seldom, and others do not
// wait. What a lost answer may have taken among requests under way is given back.
func TestSharedCountsAreTriedSeldom(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(noon)
	fake := &sharedFake{take: func([]limits.Claim) (limits.Verdict, error) { return limits.Verdict{}, errors.New("away") }}
	var told []error
	l := limited{limits.NewSharedLimiter(c.Now, limits.Sharing{
		Shared: fake, Nodes: func() int { return 2 }, Tell: func(err error) { told = append(told, err) },
	}), c}
	key := rate(t, scopeOf(limits.KindKey), `{"rpm":100000,"concurrent":100}`)
	asked := func(pause time.Duration, want int) {
		t.Helper()
		c.Advance(pause)
		fake.asked = 0
		for range 5 {
			if err := l.ask(t, once, key); err != nil {
				t.Fatal(err)
			}
		}
		if fake.asked != want {
			t.Errorf("asked %d times, want %d", fake.asked, want)
		}
	}
	asked(0, 1)
	if len(fake.given) != 1 || fake.given[0].Claim.Metric != limits.Concurrent || fake.given[0].Claim.Scope != key.Scope {
		t.Errorf("given back %+v", fake.given)
	}
	for _, seconds := range []int64{1, 2, 4, 8, 15, 15} {
		asked(time.Duration(seconds*1e9)-1, 0)
		asked(1, 1)
	}
	if s := l.SharingState(); !s.Shared || !s.Away || s.Fallbacks != 13*5 || len(told) != 1 || told[0] == nil {
		t.Errorf("state %+v, told %v", s, told)
	}
	fake.take = grantAll
	asked(15*time.Second, 5)
	if s := l.SharingState(); s.Away || len(told) != 2 || told[1] != nil {
		t.Errorf("state %+v, told %v", s, told)
	}
}

// TestNodesThatShareNothing: without anybody who counts for all, each node admits its part as long as there are others.
func TestNodesThatShareNothing(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(noon)
	nodes := 3
	l := limited{limits.NewSharedLimiter(c.Now, limits.Sharing{Nodes: func() int { return nodes }}), c}
	key := rate(t, scopeOf(limits.KindKey), `{"rpm":10}`)
	a, err := l.Admit(t.Context(), []limits.Subject{key}, once)
	if err != nil || a.Requests.Limit != 3 || a.Requests.Remaining != 2 {
		t.Fatalf("%v, level %+v", err, a.Requests)
	}
	for range 2 {
		if err := l.ask(t, once, key); err != nil {
			t.Fatal(err)
		}
	}
	limitedUntil(t, l.ask(t, once, key), limits.ErrRate, 63750*time.Millisecond)
	nodes = 0 // not known
	for range 7 {
		if err := l.ask(t, once, key); err != nil {
			t.Fatal(err)
		}
	}
	limitedUntil(t, l.ask(t, once, key), limits.ErrRate, 63750*time.Millisecond)
	if l.SharingState() != (limits.SharingState{}) {
		t.Errorf("state %+v", l.SharingState())
	}
}

func TestUnlimitedAllocatesNothing(t *testing.T) {
	l := newLimited()
	w := newWorld()
	subjects := []limits.Subject{{Scope: scopeOf(limits.KindTenant)}, {Scope: scopeOf(limits.KindUser)}, {Scope: scopeOf(limits.KindKey)}}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		a, err := l.Admit(ctx, subjects, once)
		r, err2 := w.reserve(ctx, noon, subjects, money.USD, 5)
		if err != nil || err2 != nil || limits.Needs(subjects, limits.Tokens) {
			t.Fatal(err, err2)
		}
		r.Settle(5)
		a.End(once, once)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAdmit(b *testing.B) {
	l := limits.NewLimiter(clock.System)
	subjects := make([]limits.Subject, 0, 8)
	for k := limits.KindTenant; k <= limits.KindCredential; k++ {
		subjects = append(subjects, rate(b, scopeOf(k), `{"rpm":1000000000,"tpm":100000000000}`))
	}
	for _, n := range []int{0, 1, 4, 8} {
		b.Run(string(rune('0'+n)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a, err := l.Admit(b.Context(), subjects[:n], limits.Weights{Requests: 1, Tokens: 100})
				if err != nil {
					b.Fatal(err)
				}
				a.End(limits.Weights{Requests: 1, Tokens: 50}, limits.Weights{Requests: 1, Tokens: 50})
			}
		})
	}
}

func BenchmarkReserve(b *testing.B) {
	w := newWorld()
	subjects := make([]limits.Subject, 0, 5)
	for k := limits.KindTenant; k <= limits.KindKey; k++ {
		subjects = append(subjects, quota(b, scopeOf(k), `{"currency":"USD","total":"1000000","day":"1000000","month":"1000000"}`))
	}
	for _, n := range []int{0, 1, 5} {
		b.Run(string(rune('0'+n)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := w.reserve(b.Context(), noon, subjects[:n], money.USD, 100)
				if err != nil {
					b.Fatal(err)
				}
				r.Settle(1)
			}
		})
	}
}

// TestSplitAdmissionsEndOnTheirOwn: a request at two targets has one place in its caller's windows and one in each target's.
func TestSplitAdmissionsEndOnTheirOwn(t *testing.T) {
	t.Parallel()
	l := newLimited()
	key, first := rate(t, scopeOf(limits.KindKey), `{"rpm":10,"tpm":100,"concurrent":3}`), rate(t, scopeOf(limits.KindPlatform), `{"rpm":10,"concurrent":3}`)
	w := limits.Weights{Requests: 1, Tokens: 50}
	caller, err := l.Admit(t.Context(), []limits.Subject{key, first}, w)
	if err != nil {
		t.Fatal(err)
	}
	target := caller.Split()
	if again := caller.Split(); !target.Open() || !caller.Open() || len(l.Windows(nil)) != 5 {
		t.Errorf("open: %v and %v, %v; %+v", target.Open(), caller.Open(), again, l.Windows(nil))
	}
	target.End(limits.Weights{}, once)
	target.End(limits.Weights{}, limits.Weights{Requests: 9})
	for _, v := range l.Windows(func(s limits.Scope) bool { return s == first.Scope }) {
		if v.Metric != limits.Requests || v.Used != 1 || v.Reserved != 0 {
			t.Errorf("the target's %+v", v)
		}
	}
	for _, v := range l.Windows(func(s limits.Scope) bool { return s == key.Scope }) {
		if v.Metric != limits.Requests && (v.Reserved == 0 || v.Used != 0) { // a request is one whatever becomes of it
			t.Errorf("the caller's %+v, which goes on", v)
		}
	}
	caller.End(limits.Weights{Requests: 1, Tokens: 7}, limits.Weights{Requests: 9})
	used := map[limits.Metric]int64{}
	for _, v := range l.Windows(nil) {
		used[v.Metric] += v.Used
		if v.Reserved != 0 {
			t.Errorf("reserved for ever: %+v", v)
		}
	}
	if used[limits.Requests] != 2 || used[limits.Tokens] != 7 {
		t.Errorf("used %v", used)
	}
	var none limits.Admission
	if ended := caller.Split(); ended.Open() || func() bool { s := none.Split(); return s.Open() }() {
		t.Error("what has ended has no part that is open")
	}
}

// TestSplitAdmissionsGiveBackWhatIsShared: each part settles its own claims in the shared windows, once.
func TestSplitAdmissionsGiveBackWhatIsShared(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(noon)
	fake := &sharedFake{take: grantAll}
	l := limits.NewSharedLimiter(c.Now, limits.Sharing{Shared: fake, Nodes: func() int { return 3 }})
	key, first := rate(t, scopeOf(limits.KindKey), `{"tpm":90}`), rate(t, scopeOf(limits.KindPlatform), `{"concurrent":9}`)
	caller, err := l.Admit(t.Context(), []limits.Subject{key, first}, limits.Weights{Requests: 1, Tokens: 20})
	if err != nil {
		t.Fatal(err)
	}
	target := caller.Split()
	target.End(limits.Weights{}, once)
	want := []limits.Correction{
		{Claim: limits.Claim{Scope: first.Scope, Metric: limits.Concurrent, Limit: 9, Weight: 1}, Tick: 7, Took: 1, Actual: 1},
	}
	if diff := cmp.Diff(want, fake.given); diff != "" {
		t.Error(diff)
	}
	caller.End(limits.Weights{Tokens: 5}, limits.Weights{})
	want = append(want, limits.Correction{
		Claim: limits.Claim{Scope: key.Scope, Metric: limits.Tokens, Span: time.Minute, Limit: 90, Weight: 20}, Tick: 7, Took: 20, Actual: 5,
	})
	if diff := cmp.Diff(want, fake.given); diff != "" {
		t.Error(diff)
	}
}
