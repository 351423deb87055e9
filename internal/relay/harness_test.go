package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/catalog"
	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/domain/pricing"
	"github.com/gantry-ai/gantry/internal/domain/routing"
	"github.com/gantry-ai/gantry/internal/domain/wallet"
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/journal"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/tx"
	"github.com/gantry-ai/gantry/internal/provider"
	"github.com/gantry-ai/gantry/internal/relay"
	"github.com/gantry-ai/gantry/internal/socket"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// upstream answers calls as a test says, and remembers them.
type upstream struct {
	mu     sync.Mutex
	calls  []*provider.Call
	answer func(ctx context.Context, c *provider.Call) (*http.Response, error)
	// ponder is what classifying an answer takes; 0: no time.
	ponder time.Duration
	// session opens sessions.
	session func(ctx context.Context, c *provider.Call) (socket.Line, error)
}

func (u *upstream) OpenSession(ctx context.Context, c *provider.Call) (socket.Line, error) {
	return u.session(ctx, c)
}

func (u *upstream) Send(ctx context.Context, c *provider.Call) (*http.Response, error) {
	u.mu.Lock()
	u.calls = append(u.calls, c)
	u.mu.Unlock()
	return u.answer(ctx, c)
}

func (u *upstream) Classify(r *http.Response, body []byte) provider.Outcome {
	if u.ponder > 0 {
		<-time.After(u.ponder) // in a bubble's time
	}
	categories := map[int]inference.Category{
		400: inference.InvalidRequest, 401: inference.Authentication, 429: inference.RateLimited, 503: inference.Overloaded,
	}
	k, ok := categories[r.StatusCode]
	if !ok {
		k = inference.ServerError
	}
	return provider.Outcome{Category: k, Message: string(body)}
}

func (u *upstream) Shape() provider.Shape { return provider.Shape{StreamUsage: true} }

// last is the body of the last call.
func (u *upstream) last(t *testing.T) map[string]any {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.calls) == 0 {
		t.Fatal("the upstream was not called")
	}
	var out map[string]any
	if err := json.Unmarshal(u.calls[len(u.calls)-1].Body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// adapter opens the upstream of its platform, found by base URL.
type adapter struct {
	by        map[string]*upstream
	simulated bool
}

func (a adapter) Describe() provider.Description {
	return provider.Description{
		Name: "test", Simulated: a.simulated,
		Dialects: map[inference.Kind]inference.Dialect{inference.Chat: inference.OpenAI, inference.Embeddings: inference.OpenAI, inference.ImageGenerations: inference.OpenAI, inference.ImageEdits: inference.OpenAI, inference.Responses: inference.OpenAI, inference.Speech: inference.OpenAI, inference.Transcriptions: inference.OpenAI, inference.Rerank: inference.OpenAI, inference.Moderations: inference.OpenAI, inference.Completions: inference.OpenAI, inference.Realtime: inference.OpenAI},
	}
}

func (a adapter) Open(acc provider.Account) (provider.Upstream, error) { return a.by[acc.BaseURL], nil }

// keys knows one caller.
type keys struct{ principal *identity.Principal }

func (k keys) Authenticate(_ context.Context, authorization string) (*identity.Principal, error) {
	if authorization != "Bearer good" {
		return nil, identity.ErrCredentials
	}
	return k.principal, nil
}

// walletRows is a store with one wallet per currency.
type walletRows struct {
	wallet.Store
	rows map[money.Currency]wallet.Account
}

func (s walletRows) WalletOf(_ context.Context, _ tx.Tx, _ id.ID, c money.Currency) (wallet.Account, error) {
	a, ok := s.rows[c]
	if !ok {
		return a, fault.ErrNotFound
	}
	return a, nil
}

// ownAccounts has an account for every code.
type ownAccounts struct{}

func (ownAccounts) ID(code string, c money.Currency) id.ID {
	var out id.ID
	copy(out[:], code+string(c))
	return out
}

// sink keeps records.
type sink struct {
	mu      sync.Mutex
	records []*journal.Record
	also    func(context.Context, []*journal.Record) error // nil: nobody else gets them
}

func (s *sink) RecordsApply(ctx context.Context, batch []*journal.Record, _ journal.Position) error {
	if s.also != nil {
		if err := s.also(ctx, batch); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, batch...)
	return nil
}

func (s *sink) JournalApplied(context.Context) (journal.Position, error) {
	return journal.Position{}, nil
}

// bench is a relay with two platforms, "first" and "second", that both offer the model "m".
type bench struct {
	relay         *relay.Relay
	first, second *upstream
	engine        *upstream
	sink          *sink
	journal       *journal.Journal
	book          *wallet.Book
	user          id.ID
	principal     *identity.Principal
}

const prices = `{"currency":"USD","rules":[
	{"resourceType":"text_input","unit":"1m_tokens","basePrice":1},
	{"resourceType":"text_output","unit":"1m_tokens","basePrice":10}]}`

func newBench(t *testing.T, balance string, limits relay.Limits, change ...func(*relay.Options)) *bench {
	t.Helper()
	units, err := money.Parse(balance, money.USD)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{first: &upstream{}, second: &upstream{}, engine: &upstream{}, sink: &sink{}, user: id.New()}
	row := func(c money.Currency) wallet.Account {
		return wallet.Account{ID: id.New(), Currency: c, Posted: units, UserID: b.user}
	}
	b.book = wallet.NewBook(walletRows{rows: map[money.Currency]wallet.Account{
		money.USD: row(money.USD), money.SIM: row(money.SIM),
	}}, clock.System)
	log := slog.New(slog.DiscardHandler)
	b.journal, _, err = journal.Start(t.Context(), journal.Options{Dir: t.TempDir(), Sink: b.sink, Log: log}, clock.System)
	if err != nil {
		t.Fatal(err)
	}
	limits.MaxBody, limits.Settle = 1<<20, time.Second
	b.principal = &identity.Principal{UserID: b.user, Scope: identity.ScopeAll}
	o := relay.Options{
		Keys: keys{b.principal}, Wallets: b.book, Accounts: ownAccounts{},
		Journal: b.journal, Limits: limits, Now: clock.System, Log: log,
	}
	for _, f := range change {
		f(&o)
	}
	b.relay = relay.New(o)
	b.relay.Use(relay.Compile(b.sources(log)))
	t.Cleanup(func() {
		if err := b.journal.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *bench) sources(log *slog.Logger) relay.Sources {
	by := map[string]*upstream{"first": b.first, "second": b.second, "engine": b.engine}
	src := relay.Sources{
		Adapters: map[string]provider.Adapter{"test": adapter{by: by}, "simulation": adapter{by: by, simulated: true}},
		Log:      log, Transport: func(*routing.Platform) http.RoundTripper { return nil },
	}
	for i, name := range []string{"first", "second", "engine"} {
		p := routing.Platform{
			ID: id.New(), Provider: "test", Name: name, Key: name, BaseURL: name, Priority: int64(i), Status: routing.Enabled,
			Discount: money.One,
		}
		alias := "m"
		if name == "engine" {
			p.Provider, alias = "simulation", "sim-chat"
		}
		src.Platforms = append(src.Platforms, p)
		src.Models = append(src.Models, routing.PlatformModel{
			ID: id.New(), PlatformID: p.ID, Alias: alias, ProviderModelName: name + "-model", BillingConfig: json.RawMessage(prices),
			Types: []inference.ModelType{inference.TypeChat, inference.TypeEmbedding}, Enabled: true, Discount: money.One,
		})
	}
	src.BaseModels = []catalog.BaseModel{}
	src.RuleSets = []pricing.RuleSet{}
	return src
}

// ask sends a chat request through the relay.
func (b *bench) ask(ctx context.Context, body string, header ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.serve(ctx, w, openai.Chat, body, header...)
	return w
}

func (b *bench) serve(ctx context.Context, w http.ResponseWriter, f wire.Format, body string, header ...string) {
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer good")
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	b.relay.Serve(w, req, relay.Operation{Format: f, Scope: identity.ScopeChat}, relay.Caller{RequestID: "req-1"})
}

// record returns the only record, once it is written.
func (b *bench) record(t *testing.T) *journal.Record {
	t.Helper()
	if err := b.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.sink.mu.Lock()
	defer b.sink.mu.Unlock()
	if len(b.sink.records) != 1 {
		t.Fatalf("%d records, want 1", len(b.sink.records))
	}
	return b.sink.records[0]
}

// charged checks what the record took from the wallet, and that no hold is left.
func (b *bench) charged(t *testing.T, want string) *journal.Record {
	t.Helper()
	r := b.record(t)
	if got := r.Task.Charged.Text(money.USD); got != want {
		t.Errorf("charged %s, want %s", got, want)
	}
	var sum money.Amount
	for _, tr := range r.Transfers {
		if tr.Kind == wallet.TransferCapture {
			sum += tr.Amount
		}
	}
	if sum != r.Task.Charged {
		t.Errorf("transfers of %v, task charged %v", sum, r.Task.Charged)
	}
	if open, units := b.book.Holds(); open != 0 || units != 0 {
		t.Errorf("%d holds of %v are open", open, units)
	}
	return r
}

func reply(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// always answers every call the same way.
func always(status int, body string) func(context.Context, *provider.Call) (*http.Response, error) {
	return func(context.Context, *provider.Call) (*http.Response, error) { return reply(status, body) }
}

// hang answers nothing until the call is cancelled.
func hang(ctx context.Context, _ *provider.Call) (*http.Response, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

var errRefused = errors.New("connection refused")

func refused(context.Context, *provider.Call) (*http.Response, error) { return nil, errRefused }

const (
	question = `{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`
	streamed = `{"model":"m","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"hi"}]}`
	whole    = `{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],` +
		`"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}}`

	chunk  = `data: {"choices":[{"index":0,"delta":{"content":"hello "},"finish_reason":null}],"usage":null}` + "\n\n"
	last   = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}` + "\n\n"
	usage  = `data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}}` + "\n\n"
	done   = "data: [DONE]\n\n"
	bare   = `data: {"choices":[{"index":0,"delta":{"content":"hello "},"finish_reason":null}]}` + "\n\n"
	bareBy = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
)
