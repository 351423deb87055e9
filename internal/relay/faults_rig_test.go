package relay_test

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/http1/http1test"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/secret"
	"github.com/gantry-ai/gantry/internal/provider"
	provideropenai "github.com/gantry-ai/gantry/internal/provider/openai"
	"github.com/gantry-ai/gantry/internal/provider/transport"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// upstreamKey is the operator's secret, which no answer may ever show.
const upstreamKey = "sk-upstream-0123456789abcdef"

// Limits of a call: long beside what a busy machine needs, and short where the upstream is silent, so that the test is, too.
var (
	patient   = relay.Limits{FirstByte: 5 * time.Second, Idle: 5 * time.Second, Total: 20 * time.Second}
	impatient = relay.Limits{FirstByte: 700 * time.Millisecond, Idle: 700 * time.Millisecond, Total: 20 * time.Second, Stall: 500 * time.Millisecond}
)

// rig is a relay with one real upstream account behind a transport of the test's, a journal and a wallet.
type rig struct {
	relay   *relay.Relay
	journal *journal.Journal
	sink    *sink
	book    *wallet.Book
	user    id.ID
	funds   money.Amount
	// received is closed when the caller has got the first byte of an answer; only Post does that.
	received chan struct{}
	// returned gets a value when the relay is done with a request, hold and all.
	returned chan struct{}
	address  string // of the relay behind a real server
	client   http.Client
}

// newRig returns a rig whose platform is at a base URL.
func newRig(t *testing.T, base string, to http.RoundTripper, limits relay.Limits) *rig {
	t.Helper()
	r := &rig{sink: &sink{}, user: id.New(), funds: 1_000_000_000_000, received: make(chan struct{}), returned: make(chan struct{}, 64)}
	discard := slog.New(slog.DiscardHandler)
	r.book = wallet.NewBook(walletRows{rows: map[money.Currency]wallet.Account{
		money.USD: {ID: id.New(), Currency: money.USD, Posted: r.funds, UserID: r.user},
	}}, clock.System)
	var err error
	r.journal, _, err = journal.Start(t.Context(), journal.Options{Dir: t.TempDir(), Sink: r.sink, Log: discard}, clock.System)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.journal.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	limits.MaxBody, limits.Settle = 32<<20, 10*time.Second
	r.relay = relay.New(relay.Options{
		Keys: keys{&identity.Principal{UserID: r.user, Scope: identity.ScopeAll}}, Wallets: r.book, Accounts: ownAccounts{},
		Journal: r.journal, Limits: limits, Now: clock.System, Log: discard,
	})
	r.relay.Use(relay.Compile(oneAccount(base, to, discard)))
	return r
}

// oneAccount offers the model "m" at one platform that the real adapter reaches.
func oneAccount(base string, to http.RoundTripper, log *slog.Logger) relay.Sources {
	p := routing.Platform{
		ID: id.New(), Provider: "openai", Name: "faulty", Key: "faulty", BaseURL: base, Status: routing.Enabled, Discount: money.One,
		Credentials: []routing.Credential{{ID: id.New(), Status: routing.Enabled, Weight: 1, Sealed: []byte("sealed")}},
	}
	return relay.Sources{
		Platforms: []routing.Platform{p},
		Models: []routing.PlatformModel{{
			ID: id.New(), PlatformID: p.ID, Alias: "m", ProviderModelName: "m", BillingConfig: json.RawMessage(prices),
			Types: []inference.ModelType{inference.TypeChat}, Enabled: true, Discount: money.One,
		}},
		Adapters: map[string]provider.Adapter{"openai": provideropenai.Adapter{}}, Log: log,
		Unseal: func(*routing.Credential) (map[string]secret.String, error) {
			return map[string]secret.String{"apiKey": secret.New(upstreamKey)}, nil
		},
		Transport: func(*routing.Platform) http.RoundTripper { return to },
	}
}

// listen puts the relay behind a real server.
func (r *rig) listen(t *testing.T) {
	t.Helper()
	r.address = http1test.Start(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		defer func() { r.returned <- struct{}{} }()
		r.relay.Serve(w, req, relay.Operation{Format: openai.Chat, Scope: identity.ScopeChat}, relay.Caller{RequestID: "req-1"})
	}))
	r.client.Transport = &http.Transport{}
	t.Cleanup(r.client.CloseIdleConnections)
}

// faultTransport is the product's transport with a dialer of the test's.
func faultTransport(t *testing.T, dial dialer) http.RoundTripper {
	t.Helper()
	out := transport.New(transport.Options{Connect: 400 * time.Millisecond, Dial: dial})
	t.Cleanup(out.CloseIdleConnections)
	return out
}

// post sends a chat request to the relay's server.
func (r *rig) post(ctx context.Context, t *testing.T, body string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.address+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer good")
	req.Header.Set("Content-Type", "application/json")
	return r.client.Do(req)
}

// written waits until n requests have ended, and returns their records.
func (r *rig) written(t *testing.T, n int) []*journal.Record {
	t.Helper()
	for range n {
		select {
		case <-r.returned:
		case <-time.After(30 * time.Second):
			t.Fatal("the relay does not let go of the request")
		}
	}
	if open, units := r.book.Holds(); open != 0 || units != 0 {
		t.Errorf("%d holds of %v are open", open, units)
	}
	if err := r.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	return slices.Clone(r.sink.records)
}

// only returns the single record of the single request.
func (r *rig) only(t *testing.T) *journal.Record {
	t.Helper()
	records := r.written(t, 1)
	if len(records) != 1 {
		t.Fatalf("%d records, want 1", len(records))
	}
	r.conserved(t, records)
	return records[0]
}

// conserved checks that the wallet lost exactly what the records charged, and that each charge is a transfer.
func (r *rig) conserved(t *testing.T, records []*journal.Record) {
	t.Helper()
	var charged, moved money.Amount
	seen := map[id.ID]bool{}
	for _, rec := range records {
		if seen[rec.Task.ID] {
			t.Errorf("task %v has two records", rec.Task.ID)
		}
		seen[rec.Task.ID] = true
		charged += rec.Task.Charged
		for _, tr := range rec.Transfers {
			if tr.Kind == wallet.TransferCapture {
				moved += tr.Amount
			}
		}
	}
	purse, err := r.book.Wallet(t.Context(), r.user, money.USD)
	if err != nil {
		t.Fatal(err)
	}
	posted, held := purse.Balance()
	if r.funds-posted != charged || moved != charged || held != 0 {
		t.Errorf("the wallet lost %v and holds %v, records charged %v, transfers moved %v", r.funds-posted, held, charged, moved)
	}
}

// lastAttempt is what the record says of its last attempt.
func lastAttempt(t *testing.T, rec *journal.Record) tasks.Attempt {
	t.Helper()
	var attempts []tasks.Attempt
	if err := json.Unmarshal(rec.Task.Attempts, &attempts); err != nil || len(attempts) == 0 {
		t.Fatalf("attempts %s: %v", rec.Task.Attempts, err)
	}
	return attempts[len(attempts)-1]
}

// cost is what tokens cost at the prices of the tests: 1 and 10 USD per million.
func cost(input, output int64) money.Amount {
	return money.Amount(input*1_000 + output*10_000)
}

// inputTokens is the local count of a request's input.
func inputTokens(t *testing.T, body string) int64 {
	t.Helper()
	a, err := openai.Chat.Peek([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return openai.Chat.InputTokens([]byte(body), &a)
}

// once closes a channel the first time that it is called.
func once(c chan struct{}) func() { return sync.OnceFunc(func() { close(c) }) }

// dialer makes connections for a transport; nil is the usual one.
type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// silent connects to somebody who takes everything and says nothing.
func silent(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	return ours, nil
}

// quiet is the log of servers whose callers misbehave on purpose.
var quiet = log.New(io.Discard, "", 0)

// estimate is what a text is counted as that came as these pieces.
func estimate(pieces ...string) int64 {
	var c openai.Count
	for _, p := range pieces {
		c.AddPiece([]byte(p))
	}
	return c.Tokens()
}
