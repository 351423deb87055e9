package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/money"
	"github.com/gantry-ai/gantry/internal/kernel/page"
	"github.com/gantry-ai/gantry/internal/store"
	"github.com/gantry-ai/gantry/internal/wire/openai"
)

// Prices of sim-chat in the ledger's unit per token: 2.5, 1.25 and 10 SIM per million.
const (
	simInput  = 2500
	simCached = 1250
	simOutput = 10000
)

// maxUnmarked is how many tokens of a cut stream a crash may leave unpaid.
const maxUnmarked = 64

// seen is what a client knows of one of its calls.
type seen struct {
	stream   bool
	complete bool         // the whole answer arrived
	cost     money.Amount // of the usage that the answer told
	said     openai.Count // what arrived of a stream, counted event by event as Gantry does
	input    int64        // tokens, as Gantry estimates them
}

// crashLog is what all clients know, by request id.
type crashLog struct {
	mu    sync.Mutex
	calls map[string]seen
}

func (l *crashLog) put(id string, s seen) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[id] = s
}

// TestKilledProcessLosesNoChargeAndMakesNoneTwice kills the program again and again under mixed load, at random moments and
// at numbered writes and syncs of the journal, and at the end joins what the clients saw with the ledger. On a slow disk
// streams meet the bound of what may be delivered unmarked.
func TestKilledProcessLosesNoChargeAndMakesNoneTwice(t *testing.T) {
	t.Parallel()
	kills := 20
	if os.Getenv("GANTRY_SOAK") != "" {
		kills = 200
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	data := t.TempDir()
	l := &crashLog{calls: map[string]seen{}}
	key := ""
	steps := []string{"", "slow:", "write:", "torn:", "sync:"}
	for round := range kills {
		crash := ""
		if step := steps[round%len(steps)]; step != "" {
			crash = fmt.Sprintf("GANTRY_CRASH=%s%d", step, 20+random.IntN(200))
		}
		in := crashRound(t, data, crash, key == "")
		if key == "" {
			in.admin = in.login()
			u := in.newUser("crash", "")
			in.call(http.MethodPatch, "/api/admin/users/"+u.id+"/wallet", in.admin,
				map[string]any{"balance": 100000, "currency": "SIM", "reason": "test"}, nil, 200)
			key = u.key
		}
		var all sync.WaitGroup
		stop := make(chan struct{})
		for worker := range 24 {
			all.Go(func() {
				for i := 0; !stopped(stop, in.ended); i++ {
					l.crashCall(in.url, key, fmt.Sprintf("crash-%d-%d-%d", round, worker, i), i%2 == 0, i%3 == 0)
				}
			})
		}
		select {
		case <-in.ended:
		case <-time.After(time.Duration(200+random.IntN(1200)) * time.Millisecond):
		}
		close(stop)
		in.stop(syscall.SIGKILL)
		all.Wait()
	}
	last := launch(t, data, "GANTRY_LOG_LEVEL=warn")
	if code := last.stop(syscall.SIGTERM); code != 0 {
		t.Fatalf("after the kills gantry ends with code %d", code)
	}
	l.join(t, data, kills)
}

func stopped(channels ...<-chan struct{}) bool {
	for _, c := range channels {
		select {
		case <-c:
			return true
		default:
		}
	}
	return false
}

func crashRound(t *testing.T, data, crash string, first bool) *installation {
	t.Helper()
	env := []string{"GANTRY_LOG_LEVEL=warn", "GANTRY_SIMULATION_TOKENS_PER_SECOND=600"}
	if first {
		env = append(env, "GANTRY_ADMIN_USERNAME="+adminName, "GANTRY_ADMIN_PASSWORD="+adminPassword)
	} else if crash != "" {
		env = append(env, crash)
	}
	return launchBinary(t, "gantry-crash", data, env...)
}

func (in *installation) login() string {
	in.t.Helper()
	var login struct {
		AccessToken string `json:"accessToken"`
	}
	in.call(http.MethodPost, "/api/v1/auth/login", "", map[string]any{"account": adminName, "password": adminPassword}, &login, 200)
	return login.AccessToken
}

// crashCall makes one call and keeps what was seen of it.
func (l *crashLog) crashCall(url, key, id string, stream, repeatable bool) {
	body := fmt.Sprintf(`{"model":"sim-chat","max_tokens":300,"stream":%v,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"%s"}]}`, stream, id)
	if !stream {
		body = strings.Replace(body, `"stream_options":{"include_usage":true},`, "", 1)
	}
	ask, err := openai.Chat.Peek([]byte(body))
	if err != nil {
		panic(err)
	}
	s := seen{stream: stream, input: openai.Chat.InputTokens([]byte(body), &ask)}
	defer func() { l.put(id, s) }()
	req, err := http.NewRequest(http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("X-Request-Id", id)
	if repeatable {
		req.Header.Set("Idempotency-Key", id)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return
	}
	if !stream {
		text, err := io.ReadAll(resp.Body)
		s.complete = err == nil && s.bill(text)
		return
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		switch {
		case !ok:
		case data == "[DONE]":
			s.complete = true
		default:
			s.bill([]byte(data))
		}
	}
}

// bill reads usage and text out of an answer or a chunk, and reports whether there was usage.
func (s *seen) bill(text []byte) bool {
	var v struct {
		Choices []struct {
			Delta struct {
				Content json.RawMessage `json:"content"`
			} `json:"delta"`
		} `json:"choices"`
		Usage *struct {
			Prompt     int64 `json:"prompt_tokens"`
			Completion int64 `json:"completion_tokens"`
			Details    struct {
				Cached int64 `json:"cached_tokens"`
			} `json:"prompt_tokens_details"`
		} `json:"usage"`
	}
	if json.Unmarshal(text, &v) != nil {
		return false
	}
	for _, c := range v.Choices {
		if text := c.Delta.Content; len(text) > 1 && text[0] == '"' {
			s.said.AddPiece(text[1 : len(text)-1])
		}
	}
	if v.Usage == nil {
		return false
	}
	u := v.Usage
	s.cost = money.Amount((u.Prompt-u.Details.Cached)*simInput + u.Details.Cached*simCached + u.Completion*simOutput)
	return true
}

// join compares what the clients saw with what the ledger says.
func (l *crashLog) join(t *testing.T, data string, kills int) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(data, "gantry.db"), Clock: clock.System, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	totals, err := s.Wallet().Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, total := range totals {
		if total.Posted != 0 || total.Held != 0 || total.Differing != 0 {
			t.Errorf("the books of %s: %+v", total.Currency, total)
		}
	}
	found, err := s.Wallet().Verify(t.Context())
	if err != nil || !found.Clean() {
		t.Errorf("the books are not right (%v): %+v", err, found.Checks)
	}
	booked := map[string][]tasks.Task{}
	for number := 1; ; number++ {
		list, err := s.Tasks().TaskList(t.Context(), tasks.Query{Page: page.Request{Page: number, Size: page.MaxSize}})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range list.Items {
			booked[task.RequestID] = append(booked[task.RequestID], task)
		}
		if len(list.Items) < page.MaxSize {
			break
		}
	}
	var f struct{ calls, complete, unbilled, doubled, different, cut, outside, paidNotSeen int }
	for id, c := range l.calls {
		f.calls++
		rows := booked[id]
		if len(rows) > 1 {
			f.doubled++
		}
		var charged money.Amount
		for _, r := range rows {
			charged += r.Charged
		}
		switch {
		case c.complete:
			f.complete++
			if len(rows) != 1 {
				f.unbilled++
			} else if charged != c.cost {
				f.different++
				t.Errorf("%s was charged %d, its usage costs %d (%s)", id, charged, c.cost, rows[0].BillReason)
			}
		case c.stream && !c.said.IsZero():
			f.cut++
			delivered := c.said.Tokens()
			low := money.Amount(c.input*simInput + max(0, delivered-maxUnmarked)*simOutput)
			high := money.Amount(c.input*simInput + (delivered+1)*simOutput)
			if c.cost > 0 { // the usage came, only the end did not
				high = max(high, c.cost)
			}
			if charged < low || charged > high {
				f.outside++
				t.Errorf("%s: %d tokens arrived, charged %d, want %d to %d", id, delivered, charged, low, high)
			}
		case charged > 0:
			f.paidNotSeen++
		}
	}
	t.Logf("%d kills, %d calls: %d complete, of them %d without exactly one charge, %d with a difference; %d charged twice; "+
		"%d cut streams, %d of them outside their band; %d paid and not seen; books %+v",
		kills, f.calls, f.complete, f.unbilled, f.different, f.doubled, f.cut, f.outside, f.paidNotSeen, totals)
	if f.unbilled+f.doubled+f.different+f.outside > 0 || f.complete == 0 || f.cut == 0 {
		t.Error("the ledger and the clients disagree, or the load was none")
	}
}
