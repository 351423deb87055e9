package relay_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
)

// TestManyCallsAtOnceOnAWalletThatAffordsK sends 500 calls to a wallet that can hold k of them. The upstream answers only
// when all others have been refused, so every hold is open at once.
func TestManyCallsAtOnceOnAWalletThatAffordsK(t *testing.T) {
	t.Parallel()
	const calls, k = 500, 17
	probe := newBench(t, "1", relay.Limits{})
	probe.first.answer = always(200, whole)
	probe.ask(t.Context(), question)
	hold := probe.record(t).Task.Held

	b := newBench(t, (k * hold).Text(money.USD), relay.Limits{})
	answered := make(chan struct{})
	answer := sync.OnceFunc(func() { close(answered) })
	var sent atomic.Int64
	b.first.answer = func(ctx context.Context, _ *provider.Call) (*http.Response, error) {
		if sent.Add(1) > k {
			answer() // more than the wallet affords: there is nothing left to wait for
		}
		select {
		case <-answered:
			return reply(200, whole)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	var all sync.WaitGroup
	var succeeded, refused atomic.Int64
	for range calls {
		all.Go(func() {
			switch w := b.ask(t.Context(), question); w.Code {
			case http.StatusOK:
				succeeded.Add(1)
			case http.StatusPaymentRequired:
				if refused.Add(1) == calls-k {
					answer()
				}
			default:
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	all.Wait()
	if succeeded.Load() != k || refused.Load() != calls-k {
		t.Errorf("%d calls succeeded and %d were refused, want %d and %d", succeeded.Load(), refused.Load(), k, calls-k)
	}
	if open, units := b.book.Holds(); open != 0 || units != 0 {
		t.Errorf("%d holds of %v are open", open, units)
	}
}
