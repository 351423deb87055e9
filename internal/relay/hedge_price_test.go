package relay_test

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// TestHedgeIsPaidByItsOwnPrice: the winner's price and platform are the task's, within the hold of the first.
func TestHedgeIsPaidByItsOwnPrice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body, price string
		called      int
		charged     string
	}{
		"less":                    {question, `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":1},{"resourceType":"text_output","unit":"1m_tokens","basePrice":4}]}`, 1, "0.00009"},
		"less, and no limit":      {unlimited, `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":1},{"resourceType":"text_output","unit":"1m_tokens","basePrice":4}]}`, 1, "0.00009"},
		"more than is held":       {question, `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":1},{"resourceType":"text_output","unit":"1m_tokens","basePrice":11}]}`, 0, "0.00021"},
		"more, and no limit":      {unlimited, `{"currency":"USD","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":1},{"resourceType":"text_output","unit":"1m_tokens","basePrice":11}]}`, 0, "0.00021"},
		"another currency's coin": {question, `{"currency":"SIM","rules":[{"resourceType":"text_input","unit":"1m_tokens","basePrice":0},{"resourceType":"text_output","unit":"1m_tokens","basePrice":0}]}`, 0, "0.00021"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHedged(t, hedging)
				h.src.Models[1].BillingConfig = []byte(c.price)
				h.compile()
				h.plays(h.first, act{after: 2 * later, status: 200, body: whole})
				h.plays(h.second, act{status: 200, body: whole})
				h.ask(t.Context(), c.body)
				synctest.Wait()
				r := h.charged(t, c.charged)
				if len(h.second.calls) != c.called || c.called > 0 && (r.Task.ResolvedModel != "second-model" || r.Task.PlatformID != h.src.Platforms[1].ID) {
					t.Errorf("%d calls, %+v", len(h.second.calls), r.Task)
				}
				if want := map[int]int64{0: 1, 1: 1}[c.called]; want > 0 {
					h.atRest(t, 1, 1, int64(c.called))
				}
			})
		})
	}
}

const unlimited = `{"model":"m","messages":[{"role":"user","content":"hi"}]}`

// TestHedgeNeverAllowsMoreOutputThanTheFirst: the caller who gave no limit gets the same answer from either.
func TestHedgeNeverAllowsMoreOutputThanTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, hedging)
		h.src.Models[0].Capabilities = []byte(`{"maxOutputTokens":500}`)
		h.src.Models[1].Capabilities = []byte(`{"maxOutputTokens":900}`)
		h.compile()
		h.plays(h.first, act{after: never, status: 200, body: whole})
		h.plays(h.second, act{status: 200, body: whole})
		h.ask(t.Context(), unlimited)
		if a, b := h.first.last(t)["max_tokens"], h.second.last(t)["max_tokens"]; a != 500.0 || b != 500.0 {
			t.Errorf("the limits are %v and %v", a, b)
		}
		synctest.Wait()
	})
}

// TestCrashAfterAHedgeWonIsTheWinners: what the journal knows of a stream is of the target that streams.
func TestCrashAfterAHedgeWonIsTheWinners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log *openings
		h := newHedged(t, hedging, func(o *relay.Options) {
			log = &openings{Journal: o.Journal}
			o.Journal = log
		})
		h.plays(h.first, act{after: never, status: 200, body: fullStream})
		h.plays(h.second, act{status: 200, body: fullStream})
		h.ask(t.Context(), streamed)
		synctest.Wait()
		if len(log.models) != 2 || log.models[0] != "first-model" || log.models[1] != "second-model" || log.held[0] != log.held[1] {
			t.Errorf("opened for %v with %v held", log.models, log.held)
		}
	})
}

// TestHedgedByThePieceOnlyWhereSaid: pictures are asked for twice only if the policy names them; then they are held for,
// limited and paid once.
func TestHedgedByThePieceOnlyWhereSaid(t *testing.T) {
	t.Parallel()
	for policy, hedges := range map[string]int{
		hedging: 0, `{"hedge":{"enabled":true,"afterMs":100,"kinds":["images.generations"]}}`: 1,
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHedged(t, policy)
			for i := range h.src.Models {
				h.src.Models[i].Types = append(h.src.Models[i].Types, inference.TypeImage)
				h.src.Models[i].BillingConfig = json.RawMessage(`{"currency":"USD","rules":[{"resourceType":"image","unit":"image","basePrice":0.04},
					{"resourceType":"text_input","unit":"1m_tokens","basePrice":0},{"resourceType":"text_output","unit":"1m_tokens","basePrice":0}]}`)
			}
			h.compile()
			h.plays(h.first, act{after: 2 * later, status: 200, body: whole})
			h.plays(h.second, act{after: soon, status: 200, body: whole})
			w := httptest.NewRecorder()
			h.serve(t.Context(), w, pictures{openai.Chat, 3}, question)
			synctest.Wait()
			if w.Code != 200 || len(h.second.calls) != hedges {
				t.Errorf("%d %s, %d hedges", w.Code, w.Body, len(h.second.calls))
			}
			h.charged(t, "0.12")
			h.atRest(t, 1, 1, int64(hedges))
		})
	}
}
