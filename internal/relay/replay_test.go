package relay_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// all returns the records once they are written.
func (b *bench) all(t *testing.T) []*journal.Record {
	t.Helper()
	if err := b.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sink.mu.Lock()
	defer b.sink.mu.Unlock()
	return append([]*journal.Record(nil), b.sink.records...)
}

func TestAHundredRepeatsAreOneCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, answer string }{
		"whole":    {question, whole},
		"streamed": {streamed, chunk + last + usage + done},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
				gate := make(chan struct{})
				b.first.answer = gated(gate, always(200, c.answer))
				answers := make([]*httptest.ResponseRecorder, 100)
				var calls sync.WaitGroup
				for i := range answers {
					calls.Go(func() { answers[i] = b.ask(t.Context(), c.body, keyName, "k") })
				}
				synctest.Wait()
				close(gate)
				calls.Wait()
				first := 0
				for _, w := range answers {
					if w.Code != 200 || w.Body.String() != answers[0].Body.String() || w.Body.Len() == 0 {
						t.Fatalf("%d %q, others got %q", w.Code, w.Body, answers[0].Body)
					}
					if w.Header().Get("Idempotent-Replayed") == "" {
						first++
					}
				}
				if n := b.first.count(); n != 1 || first != 1 {
					t.Errorf("%d upstream calls, %d answers that are not replayed", n, first)
				}
				b.charged(t, "0.00021")
				if again := b.ask(t.Context(), c.body, "X-Idempotency-Key", "k"); again.Body.String() != answers[0].Body.String() {
					t.Errorf("later: %d %q", again.Code, again.Body)
				}
			})
		})
	}
}

func TestWholeAnswersAreRepeatedByteByByte(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
	b.first.answer = always(200, whole)
	for i := range 3 {
		w := b.ask(t.Context(), question, keyName, "k")
		if w.Code != 200 || w.Body.String() != whole || (w.Header().Get("Idempotent-Replayed") == "true") != (i > 0) ||
			w.Header().Get("Content-Length") != fmt.Sprint(len(whole)) || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%d: %d %s %v", i, w.Code, w.Body, w.Header())
		}
	}
	b.charged(t, "0.00021")
}

func TestAnotherBodyUnderTheKeyIsAConflict(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
	b.first.answer = always(200, whole)
	b.ask(t.Context(), question, keyName, "k")
	w := b.ask(t.Context(), strings.Replace(question, "hi", "ho", 1), keyName, "k")
	if w.Code != 409 || !strings.Contains(w.Body.String(), `"code":"idempotency_conflict"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := b.ask(t.Context(), question, keyName, "k"); w.Body.String() != whole {
		t.Errorf("after the conflict: %d %s", w.Code, w.Body)
	}
	if n := b.first.count(); n != 1 {
		t.Errorf("%d upstream calls", n)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	for name, header := range map[string][]string{
		"empty":        {keyName, ""},
		"too long":     {keyName, strings.Repeat("k", 256)},
		"a space":      {keyName, "a b"},
		"not ASCII":    {keyName, "schlüssel"},
		"a control":    {"X-Idempotency-Key", "a\x01"},
		"two of them":  {keyName, "a", "X-Idempotency-Key", "b"},
		"an event id":  {keyName, "k", "Last-Event-ID", "7"},
		"an empty one": {keyName, "k", "Last-Event-ID", ""},
		"nothing yet":  {keyName, "k", "Last-Event-ID", "018f0000-0000-7000-8000-000000000000-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
			w := b.ask(t.Context(), streamed, header...)
			want := `"param":"` + header[len(header)-2]
			if w.Code != 400 || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%d %s, want %s", w.Code, w.Body, want)
			}
			if b.first.count() != 0 {
				t.Error("the upstream was called")
			}
		})
	}
}

func TestWhatWasChargedNothingIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t, view{newShelf(), "node"}, relay.Limits{})
	b.first.answer, b.second.answer = always(400, "no"), always(400, "no")
	if w := b.ask(t.Context(), question, keyName, "k"); w.Code != 400 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	b.first.answer = always(200, whole)
	w := b.ask(t.Context(), question, keyName, "k")
	if w.Code != 200 || w.Header().Get("Idempotent-Replayed") != "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if n := len(b.all(t)); n != 2 {
		t.Errorf("%d records", n)
	}
}

func TestRepeatsPassTheSameChecks(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
	b.first.answer = always(200, whole)
	b.ask(t.Context(), question, keyName, "k")
	if w := b.ask(t.Context(), question, keyName, "k", "Authorization", "Bearer revoked"); w.Code != 401 || strings.Contains(w.Body.String(), "hello") {
		t.Errorf("a revoked key: %d %s", w.Code, w.Body)
	}
	b.principal.Models = []string{"other"}
	if w := b.ask(t.Context(), question, keyName, "k"); w.Code != 404 {
		t.Errorf("a key that may not use the model any more: %d %s", w.Code, w.Body)
	}
	b.principal.Models = nil
	b.relay.Use(&relay.Snapshot{})
	if w := b.ask(t.Context(), question, keyName, "k"); w.Code != 404 {
		t.Errorf("a model that is not there any more: %d %s", w.Code, w.Body)
	}
}

func TestCallsWithoutAKeyHaveNoIDs(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
	b.first.answer = always(200, chunk+last+usage+done)
	for range 2 {
		if w := b.ask(t.Context(), streamed, "Last-Event-ID", "x"); w.Body.String() != bare+bareBy+done {
			t.Errorf("%d %q", w.Code, w.Body)
		}
	}
	if n := b.first.count(); n != 2 {
		t.Errorf("%d upstream calls", n)
	}
}

// TestStreamCutAtEveryEventIsResumed cuts a stream behind each of its events, while it runs and after it, and resumes it
// from memory, and from the database as another process would.
func TestStreamCutAtEveryEventIsResumed(t *testing.T) {
	t.Parallel()
	const events = 12
	answer := strings.Repeat(chunk, events-2) + ": alive\n\n" + last + usage + done
	for name, open := range replayStores() {
		for _, from := range []string{"live", "memory", "store"} {
			t.Run(name+" "+from, func(t *testing.T) {
				t.Parallel()
				s := open(t)
				b := newReplayBench(t, s, relay.Limits{})
				b.first.answer = always(200, answer)
				uncut := b.ask(t.Context(), streamed, keyName, "uncut").Body.String()
				want := eventsOf(withoutTask(uncut))
				if len(want) != events+1 || !strings.HasPrefix(want[events], "id: task-13\ndata: [DONE]") {
					t.Fatalf("%d events: %q", len(want), want)
				}
				for at := 1; at <= len(want); at++ {
					b.cutAndResume(t, s, from, answer, at, strings.Join(want, ""))
				}
				for _, r := range b.all(t) {
					if r.Task.Charged.Text(money.USD) != "0.00021" {
						t.Errorf("charged %d", r.Task.Charged)
					}
				}
				if n := len(b.all(t)); n != len(want)+1 {
					t.Errorf("%d records of %d calls", n, len(want)+1)
				}
			})
		}
	}
}

// cutAndResume makes a call whose caller leaves behind an event and comes back for the rest.
func (b *bench) cutAndResume(t *testing.T, s replayStore, from, answer string, at int, want string) {
	t.Helper()
	key := fmt.Sprintf("cut-%d", at)
	before := b.first.count()
	gate := make(chan struct{})
	head := strings.Join(eventsOf(answer)[:min(at, len(eventsOf(answer)))], "")
	b.first.answer = func(context.Context, *provider.Call) (*http.Response, error) {
		r, w := io.Pipe()
		go func() {
			_, _ = io.WriteString(w, head)
			<-gate
			_, _ = io.WriteString(w, answer[len(head):])
			_ = w.Close()
		}()
		return &http.Response{StatusCode: http.StatusOK, Body: r}, nil
	}
	if from != "live" || at >= len(eventsOf(answer))-2 { // the last ones wait for the end
		close(gate)
	}
	ctx, leave := context.WithCancel(t.Context())
	cut := &countingLeaver{ResponseRecorder: httptest.NewRecorder(), events: at, leave: leave}
	b.serve(ctx, cut, openai.Chat, streamed, keyName, key)
	got := eventsOf(cut.Body.String())
	if len(got) != at {
		t.Fatalf("cut behind %d: %d events", at, len(got))
	}
	again := b
	if from == "store" {
		_ = b.ask(t.Context(), streamed, keyName, key) // until it has ended
		b.all(t)
		again = newReplayBench(t, s, relay.Limits{})
		again.principal.UserID = b.user
	}
	if from == "live" && at < len(eventsOf(answer))-2 {
		go close(gate)
	}
	rest := again.ask(t.Context(), streamed, keyName, key, "Last-Event-ID", idOf(got[at-1]))
	if rest.Code != 200 || rest.Header().Get("Idempotent-Replayed") != "true" {
		t.Fatalf("resumed behind %d: %d %s", at, rest.Code, rest.Body)
	}
	if whole := withoutTask(cut.Body.String() + rest.Body.String()); whole != want {
		t.Errorf("cut behind %d:\n%q, want\n%q", at, whole, want)
	}
	if b.first.count() != before+1 || again != b && again.first.count() != 0 {
		t.Errorf("cut behind %d: more than one upstream call", at)
	}
}

func TestEventIDsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
	b.first.answer = always(200, chunk+last+usage+done)
	ids := map[string]string{}
	for _, key := range []string{"a", "b"} {
		ids[key] = strings.TrimSuffix(idOf(eventsOf(b.ask(t.Context(), streamed, keyName, key).Body.String())[0]), "1")
	}
	b.first.answer = always(200, whole)
	b.ask(t.Context(), question, keyName, "whole")
	for name, c := range map[string]struct{ key, body, after string }{
		"another task":     {"a", streamed, ids["b"] + "1"},
		"beyond the end":   {"a", streamed, ids["a"] + "4"},
		"before the first": {"a", streamed, ids["a"] + "0"},
		"a sign":           {"a", streamed, ids["a"] + "+1"},
		"a leading zero":   {"a", streamed, ids["a"] + "01"},
		"no number":        {"a", streamed, ids["a"]},
		"no stream":        {"whole", question, ids["a"] + "1"},
	} {
		if w := b.ask(t.Context(), c.body, keyName, c.key, "Last-Event-ID", c.after); w.Code != 400 ||
			!strings.Contains(w.Body.String(), `"code":"invalid_event_id"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := b.ask(t.Context(), streamed, keyName, "a", "Last-Event-ID", ids["a"]+"3"); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("behind the last event: %d %q", w.Code, w.Body)
	}
}

func TestUpstreamsEventIDsAreReplaced(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
	b.first.answer = always(200, strings.ReplaceAll("\xEF\xBB\xBFid: 7\n"+bare+"id\n"+bareBy+done, "\n", "\r\n"))
	got := withoutTask(b.ask(t.Context(), streamed, keyName, "k").Body.String())
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	if want := "id: task-1\n" + crlf(bare) + "id: task-2\n" + crlf(bareBy) + "id: task-3\n" + done; got != want {
		t.Errorf("%q, want\n%q", got, want)
	}
	if again := withoutTask(b.ask(t.Context(), streamed, keyName, "k").Body.String()); again != got {
		t.Errorf("again %q", again)
	}
}

// endless answers with one event, and goes on when it is told to.
func endless(more <-chan string) func(context.Context, *provider.Call) (*http.Response, error) {
	return func(ctx context.Context, _ *provider.Call) (*http.Response, error) {
		r, w := io.Pipe()
		go func() {
			_, _ = io.WriteString(w, bare)
			for {
				select {
				case s, ok := <-more:
					if !ok {
						_ = w.Close()
						return
					}
					_, _ = io.WriteString(w, s)
				case <-ctx.Done():
					_ = w.CloseWithError(ctx.Err())
					return
				}
			}
		}()
		return &http.Response{StatusCode: http.StatusOK, Body: r}, nil
	}
}

func TestACallLingersWithoutItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
		more := make(chan string)
		b.first.answer = endless(more)
		come := func() string {
			ctx, leave := context.WithCancel(t.Context())
			w := &countingLeaver{httptest.NewRecorder(), 1, leave}
			b.serve(ctx, w, openai.Chat, streamed, keyName, "k")
			return w.Body.String()
		}
		came := come()
		<-time.After(59 * time.Second)
		if again := come(); again != came || !strings.HasSuffix(again, bare) {
			t.Errorf("%q, want %q", again, came)
		}
		<-time.After(59 * time.Second)
		if b.relay.InFlight() != 1 {
			t.Fatal("the call did not wait for its caller")
		}
		<-time.After(2 * time.Second)
		synctest.Wait()
		if n := b.relay.InFlight(); n != 0 {
			t.Fatalf("%d calls under way after the time to come back", n)
		}
		r := b.record(t)
		if r.Task.Status != tasks.Canceled || r.Task.BillReason != "client_gone" || r.Task.Charged == 0 {
			t.Errorf("%+v", r.Task)
		}
		w := b.ask(t.Context(), streamed, keyName, "k")
		if got := w.Body.String(); !strings.HasPrefix(got, came) || !strings.Contains(got, "nobody listened") {
			t.Errorf("what was paid is repeated as %q", got)
		}
		if b.first.count() != 1 {
			t.Error("the upstream was called again")
		}
	})
}

func TestDrainEndsCallsThatNobodyListensTo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
		more := make(chan string)
		b.first.answer = endless(more)
		var heard sync.WaitGroup
		var answer *httptest.ResponseRecorder
		heard.Go(func() { answer = b.ask(t.Context(), streamed, keyName, "heard") })
		for _, key := range []string{"one", "two"} {
			ctx, leave := context.WithCancel(t.Context())
			b.serve(ctx, &countingLeaver{httptest.NewRecorder(), 1, leave}, openai.Chat, streamed, keyName, key)
		}
		synctest.Wait()
		b.relay.Drain()
		<-time.After(100 * time.Millisecond) // an attempt heeds its caller's end by then
		synctest.Wait()
		if n := b.relay.InFlight(); n != 2 { // the caller and the call
			t.Errorf("%d under way, want the one that is listened to", n)
		}
		more <- bareBy + done
		close(more)
		heard.Wait()
		synctest.Wait()
		if b.relay.InFlight() != 0 || !strings.HasSuffix(answer.Body.String(), done) {
			t.Errorf("%q", answer.Body)
		}
		if n := len(b.all(t)); n != 3 {
			t.Errorf("%d records", n)
		}
	})
}

// TestMemoryIsBounded makes calls until the first answers do not fit any more: they come from the store, and what is too
// large for that is refused rather than paid twice.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		max    int64
		status int
		code   string
	}{"stored": {1 << 20, 200, `"role"`}, "too large": {100, 409, `"code":"idempotency_result_lost"`}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{}, func(r *relay.Replay) {
				r.MemoryBytes, r.MaxBytes = 8<<10, c.max
			})
			b.first.answer = always(200, whole)
			for i := range 20 {
				b.ask(t.Context(), question, keyName, fmt.Sprint(i))
			}
			if w := b.ask(t.Context(), question, keyName, "19"); w.Body.String() != whole {
				t.Errorf("from memory: %d %s", w.Code, w.Body)
			}
			if w := b.ask(t.Context(), question, keyName, "0"); w.Code != c.status || !strings.Contains(w.Body.String(), c.code) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.code)
			}
			if n := b.first.count(); n != 20 {
				t.Errorf("%d upstream calls", n)
			}
			if err := b.relay.TidyReplays(t.Context()); err != nil {
				t.Error(err)
			}
			if w := b.ask(t.Context(), question, keyName, "1"); w.Code != c.status {
				t.Errorf("after tidying: %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestStreamThatFindsNoRoomIsCut(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{}, func(r *relay.Replay) { r.MemoryBytes = 8 << 10 })
	b.first.answer = always(200, strings.Repeat(bare, 200)+bareBy+done)
	w := b.ask(t.Context(), streamed, keyName, "k")
	if got := w.Body.String(); !strings.Contains(got, "answer_too_large") || len(got) > 16<<10 {
		t.Errorf("%d bytes that end with %q", len(got), got[max(0, len(got)-200):])
	}
	if r := b.record(t); r.Task.Charged == 0 {
		t.Error("what was delivered is not charged")
	}
}

func TestKeysAreForgottenInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newReplayBench(t, view{newShelf(), ""}, relay.Limits{})
		b.first.answer = always(200, whole)
		b.ask(t.Context(), question, keyName, "k")
		<-time.After(59 * time.Minute)
		b.ask(t.Context(), question, keyName, "k")
		if n := b.first.count(); n != 1 {
			t.Errorf("%d upstream calls within the retention", n)
		}
		<-time.After(2 * time.Minute)
		if err := b.relay.TidyReplays(t.Context()); err != nil {
			t.Error(err)
		}
		b.ask(t.Context(), question, keyName, "k")
		if n := b.first.count(); n != 2 {
			t.Errorf("%d upstream calls after it", n)
		}
	})
}

func TestAnotherNodesAnswerIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after  time.Duration
		status int
		want   string
	}{
		"soon":     {2 * time.Second, 200, `"hello"`},
		"too late": {time.Minute, 409, `"code":"idempotency_in_progress"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newShelf()
				one, two := newReplayBench(t, view{s, "one"}, relay.Limits{}), newReplayBench(t, view{s, "two"}, relay.Limits{})
				two.principal.UserID = one.user
				gate := make(chan struct{})
				one.first.answer = gated(gate, always(200, whole))
				var call sync.WaitGroup
				call.Go(func() { one.ask(t.Context(), question, keyName, "k") })
				synctest.Wait()
				time.AfterFunc(c.after, func() { close(gate) })
				if w := two.ask(t.Context(), strings.Replace(question, "hi", "ho", 1), keyName, "k"); w.Code != 409 ||
					!strings.Contains(w.Body.String(), "idempotency_conflict") {
					t.Errorf("another body: %d %s", w.Code, w.Body)
				}
				w := two.ask(t.Context(), question, keyName, "k")
				if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) || (c.status == 409) != (w.Header().Get("Retry-After") == "2") {
					t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
				}
				call.Wait()
				if w := two.ask(t.Context(), question, keyName, "k"); w.Code != 200 || w.Body.String() != whole {
					t.Errorf("in the end: %d %s", w.Code, w.Body)
				}
				if two.first.count() != 0 {
					t.Error("the second node made the call, too")
				}
			})
		})
	}
}

// doubtful is a journal that writes a charge down and cannot say so.
type doubtful struct {
	relay.Journal

	once sync.Once
}

func (d *doubtful) Append(r *journal.Record) journal.Ticket {
	ticket := d.Journal.Append(r)
	d.once.Do(func() {
		var resolve func(error)
		ticket, resolve = journal.Promise()
		resolve(wallet.ErrBilling)
	})
	return ticket
}

func TestAChargeInDoubtIsLookedUpBeforeTheCallIsMadeAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, answer string }{
		"whole":    {question, whole},
		"streamed": {streamed, chunk + last + usage + done},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := view{newShelf(), ""}
			b := newReplayBenchOn(t, s, relay.Limits{}, func(j relay.Journal) relay.Journal { return &doubtful{Journal: j} })
			b.first.answer = always(200, c.answer)
			if w := b.ask(t.Context(), c.body, keyName, "k"); !strings.Contains(w.Body.String(), "billing_unavailable") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			w := b.ask(t.Context(), c.body, keyName, "k")
			if w.Code != 200 || w.Header().Get("Idempotent-Replayed") != "true" || strings.Contains(w.Body.String(), "error") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if n := b.first.count(); n != 1 {
				t.Errorf("%d upstream calls", n)
			}
		})
	}
}

func TestAPanicEndsOneCallOnly(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t, view{newShelf(), "node"}, relay.Limits{})
	b.first.answer = func(context.Context, *provider.Call) (*http.Response, error) { panic("a bug") }
	if w := b.ask(t.Context(), question, keyName, "k"); w.Code != 500 || strings.Contains(w.Body.String(), "bug") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if open, _ := b.book.Holds(); open != 0 || b.relay.InFlight() > 1 {
		t.Errorf("%d holds open", open)
	}
	b.first.answer = always(200, whole)
	if w := b.ask(t.Context(), question, keyName, "k"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAStoreThatDoesNotAnswerRefusesTheCall(t *testing.T) {
	t.Parallel()
	b := newReplayBench(t, broken{view{newShelf(), ""}}, relay.Limits{})
	b.first.answer = always(200, whole)
	if w := b.ask(t.Context(), question, keyName, "k"); w.Code != 503 || b.first.count() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := b.ask(t.Context(), question); w.Code != 200 {
		t.Errorf("without a key: %d %s", w.Code, w.Body)
	}
}

// marking is a journal that keeps the marks.
type marking struct {
	relay.Journal

	mu    sync.Mutex
	marks []journal.Mark
}

func (m *marking) Mark(v *journal.Mark) journal.Ticket {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.marks = append(m.marks, *v)
	return m.Journal.Mark(v)
}

// last is how many output tokens the last mark charges.
func (m *marking) last() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.marks[len(m.marks)-1].Usage.Quantities[inference.TextOutput]
}

// TestWhatNobodyWasSentIsNotMarked lets a stream go on without its caller: a crash must not charge what it made then. When
// the caller is back and has it, it may.
func TestWhatNobodyWasSentIsNotMarked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m *marking
		b := newReplayBenchOn(t, view{newShelf(), ""}, relay.Limits{}, func(j relay.Journal) relay.Journal {
			m = &marking{Journal: j}
			return m
		})
		more := make(chan string)
		b.first.answer = endless(more)
		ctx, leave := context.WithCancel(t.Context())
		w := &countingLeaver{httptest.NewRecorder(), 1, leave}
		b.serve(ctx, w, openai.Chat, streamed, keyName, "k")
		for range 100 {
			more <- strings.Repeat(bare, 10)
		}
		synctest.Wait()
		if got := m.last(); got > 64 {
			t.Errorf("%d tokens are marked of which the caller has one event", got)
		}
		var back sync.WaitGroup
		back.Go(func() {
			b.ask(t.Context(), streamed, keyName, "k", "Last-Event-ID", idOf(w.Body.String()))
		})
		synctest.Wait()
		more <- bare
		synctest.Wait()
		if got := m.last(); got < 900 {
			t.Errorf("%d tokens are marked of which the caller has more than a thousand", got)
		}
		more <- bareBy + done
		close(more)
		back.Wait()
	})
}
