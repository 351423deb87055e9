package e2e

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/store"
)

// underWay is a call that is open when the process is told to end.
type underWay struct {
	id, simulation string
	stream         bool
	// finishes says that the answer must be whole; otherwise the drain time is over before it is.
	finishes bool
}

// drained is what became of such a call.
type drained struct {
	text []byte
	err  error
}

// TestTermFinishesOrSettlesWhatIsUnderWay sends SIGTERM under buffered calls and streams: readiness fails while they are
// still open, those that fit into the drain time finish, the others are cut and settled, and the books are right.
func TestTermFinishesOrSettlesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		drain string
		calls []underWay
	}{
		"finishes": {"30s", []underWay{
			{"slow-whole", "fault=slow_first_token;ms=2500", false, true},
			{"slow-stream", "fault=slow_first_token;ms=2500", true, true},
			{"paced-stream", "pace=20;tokens=50", true, true},
			{"uncounted-stream", "fault=no_usage;pace=20;tokens=50", true, true},
		}},
		"settles": {"1s", []underWay{
			{"hung-whole", "fault=hang", false, false},
			{"hung-stream", "fault=hang;after=5", true, false},
			{"long-stream", "pace=10;tokens=2000", true, false},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			admin := freeAddr(t)
			in := start(t, t.TempDir(), "GANTRY_SHUTDOWN_TIMEOUT="+c.drain, "GANTRY_LOG_LEVEL=warn", "GANTRY_ADMIN_ADDR="+admin)
			u := in.newUser("drain-"+name, "")
			ids := map[string]bool{}
			results := make([]drained, len(c.calls))
			var all, begun sync.WaitGroup
			for i, call := range c.calls {
				ids[call.id] = true
				begun.Add(1)
				all.Go(func() { results[i] = in.drainCall(u.key, call, begun.Done) })
			}
			begun.Wait()
			in.term("http://"+admin+"/metrics", len(c.calls))
			ended := make(chan struct{})
			go func() {
				all.Wait()
				close(ended)
			}()
			in.unready(ended)
			<-ended
			<-in.ended
			if code := in.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("gantry ended with code %d", code)
			}
			for i, call := range c.calls {
				call.check(t, results[i])
			}
			if text, err := exec.Command(binary(t, "gantry"), "ledger", "verify", "--data", in.data).CombinedOutput(); err != nil {
				t.Errorf("ledger verify: %v\n%s", err, text)
			}
			audit(t, store.Options{Path: filepath.Join(in.data, "gantry.db"), Clock: clock.System, Logger: slog.New(slog.DiscardHandler)}, ids)
		})
	}
}

// drainCall makes a call; begun is called when it is certain to be under way.
func (in *installation) drainCall(key string, c underWay, begun func()) drained {
	begun = sync.OnceFunc(begun)
	defer begun()
	body := fmt.Sprintf(`{"model":"sim-chat","max_tokens":4000,"stream":%v,"messages":[{"role":"user","content":"hi"}]}`, c.stream)
	req, err := http.NewRequest(http.MethodPost, in.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return drained{err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("X-Request-Id", c.id)
	req.Header.Set("X-Simulation", c.simulation)
	if !c.stream || strings.Contains(c.simulation, "slow") {
		begun() // it answers late: term waits until the process has it
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return drained{err: err}
	}
	defer resp.Body.Close()
	var first [1]byte
	n, err := resp.Body.Read(first[:])
	begun()
	if err != nil && n == 0 {
		return drained{err: err}
	}
	rest, err := io.ReadAll(resp.Body)
	return drained{append(first[:n], rest...), err}
}

// term tells the process to end, once so many calls are under way there.
func (in *installation) term(metrics string, calls int) {
	in.t.Helper()
	want := fmt.Sprintf("gantry_requests_in_flight %d\n", calls)
	deadline := time.After(10 * time.Second)
	for !strings.Contains(fetch(in.t, metrics), want) {
		select {
		case <-deadline:
			in.t.Fatalf("%d calls are not under way", calls)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := in.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		in.t.Fatal(err)
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// unready waits until the process is not ready any more, which must be before all calls have ended. Whether the balancer is
// refused or told so is the same to it.
func (in *installation) unready(ended <-chan struct{}) {
	in.t.Helper()
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		resp, err := fresh.Get(in.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
		}
		select {
		case <-ended:
			in.t.Error("the process was ready until the last call had ended")
			return
		default:
		}
		if err != nil || resp.StatusCode != http.StatusOK {
			return
		}
	}
}

func (c *underWay) check(t *testing.T, got drained) {
	t.Helper()
	whole := got.err == nil && bytes.Contains(got.text, []byte(`"content"`)) && (!c.stream || bytes.HasSuffix(got.text, []byte("data: [DONE]\n\n")))
	if whole != c.finishes {
		t.Errorf("%s: whole is %v: %v, %q", c.id, whole, got.err, got.text[max(0, len(got.text)-200):])
	}
}
