package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// mixed is how the 500 calls differ: what is asked, which fault is ordered, and whether the caller leaves in the middle.
type mixed struct {
	stream bool
	fault  string
	leave  bool
}

var mixture = []mixed{
	{},
	{stream: true},
	{stream: true},
	{fault: "fault=429"},
	{fault: "fault=500"},
	{stream: true, fault: "fault=cut;after=5"},
	{fault: "fault=cut;after=5"},
	{fault: "fault=flaky"},
	{fault: "fault=malformed"},
	{fault: "fault=no_usage"},
	{stream: true, fault: "fault=no_usage"},
	{stream: true, leave: true},
	{stream: true, leave: true, fault: "pace=50"},
	{stream: true, fault: "fault=slow_first_token;ms=50"},
	{leave: true, fault: "fault=hang"},
	{stream: true, fault: "fault=flaky"},
}

// TestBooksAreExactAfterMixedCalls makes 500 calls, among them failing ones and ones whose caller leaves, and then looks
// at the database: one task for each call, books that sum to zero, balances equal to their postings, no hold left.
func TestBooksAreExactAfterMixedCalls(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			data, url := t.TempDir(), ""
			if database == "postgres" {
				url = pgtest.New(t)
			}
			in := start(t, data, "GANTRY_DATABASE_URL="+url, "GANTRY_LOG_LEVEL=warn")
			u := in.newUser("mixed", "")
			ids := in.manyCalls(u, 500)
			if code := in.stop(syscall.SIGTERM); code != 0 {
				t.Errorf("gantry ended with code %d", code)
			}
			audit(t, store.Options{URL: url, Path: filepath.Join(data, "gantry.db"), Clock: clock.System, Logger: slog.New(slog.DiscardHandler)}, ids)
		})
	}
}

// manyCalls makes n calls, 16 at a time, and returns their request ids.
func (in *installation) manyCalls(u user, n int) map[string]bool {
	in.t.Helper()
	ids := map[string]bool{}
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range n {
		requestID := fmt.Sprintf("mixed-%d", i)
		ids[requestID] = true
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			in.one(u, mixture[i%len(mixture)], requestID, i)
		})
	}
	all.Wait()
	return ids
}

func (in *installation) one(u user, m mixed, requestID string, i int) {
	ctx, leave := context.WithTimeout(context.Background(), 30*time.Second)
	defer leave()
	body := fmt.Sprintf(`{"model":"sim-chat","max_tokens":%d,"stream":%v,"messages":[{"role":"user","content":"call %d"}]}`, 20+i%60, m.stream, i)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, in.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		in.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+u.key)
	req.Header.Set("X-Request-Id", requestID)
	if m.fault != "" {
		req.Header.Set("X-Simulation", m.fault)
	}
	if m.leave && !m.stream { // once the call is being served: one that nobody has taken has no task
		served := func() { time.AfterFunc(100*time.Millisecond, leave) }
		req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got100Continue: served}))
		req.Header.Set("Expect", "100-continue")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if !m.leave {
			in.t.Errorf("%s: %v", requestID, err)
		}
		return
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("X-Request-Id"); got != requestID {
		in.t.Errorf("answered request id %q, want %q", got, requestID)
	}
	if m.leave {
		_, _ = bufio.NewReader(resp.Body).ReadString('\n')
		leave()
		return
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		in.t.Errorf("%s: %v", requestID, err)
	}
	if m.stream && resp.StatusCode == http.StatusOK && !strings.Contains(m.fault, "cut") && !bytes.HasSuffix(text, []byte("data: [DONE]\n\n")) {
		in.t.Errorf("%s: the stream ends with %q", requestID, text[max(0, len(text)-200):])
	}
}

// audit reads the database as an auditor would.
func audit(t *testing.T, o store.Options, ids map[string]bool) {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	totals, err := s.Wallet().Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(totals) == 0 {
		t.Error("the books are empty")
	}
	found, err := s.Wallet().Verify(t.Context())
	if err != nil || !found.Clean() {
		t.Errorf("the books are not right (%v): %+v", err, found.Checks)
	}
	for _, total := range totals {
		if total.Posted != 0 || total.Held != 0 || total.Differing != 0 {
			t.Errorf("the books of %s: %+v", total.Currency, total)
		}
	}
	seen := map[string]int{}
	statuses := map[tasks.Status]int{}
	for number := 1; ; number++ {
		list, err := s.Tasks().TaskList(t.Context(), tasks.Query{Page: page.Request{Page: number, Size: page.MaxSize}})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range list.Items {
			seen[task.RequestID]++
			statuses[task.Status]++
		}
		if len(list.Items) < page.MaxSize {
			break
		}
	}
	for requestID := range ids {
		if seen[requestID] != 1 {
			t.Errorf("%s has %d tasks", requestID, seen[requestID])
		}
	}
	t.Logf("%d tasks: %v; books: %+v", len(seen), statuses, totals)
}
