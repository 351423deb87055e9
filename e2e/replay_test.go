package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

const (
	keyedQuestion = `{"model":"sim-chat","max_tokens":40,"messages":[{"role":"user","content":"a story"}]}`
	keyedStream   = `{"model":"sim-chat","max_tokens":40,"stream":true,"messages":[{"role":"user","content":"a story"}]}`
)

// post asks with an idempotency key; header are further names and values.
func (in *installation) post(ctx context.Context, key, body, idempotency string, header ...string) *http.Response {
	in.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, in.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Idempotency-Key", idempotency)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// repeated reads an answer that must be an earlier one.
func (in *installation) repeated(resp *http.Response) string {
	in.t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Idempotent-Replayed") != "true" {
		in.t.Errorf("%d %s (%v), replayed: %q", resp.StatusCode, text, err, resp.Header.Get("Idempotent-Replayed"))
	}
	return string(text)
}

// calls is how many calls of a user are recorded.
func (in *installation) calls(u user) int {
	in.t.Helper()
	var list struct {
		Total int `json:"total"`
	}
	in.call(http.MethodGet, "/api/workspace/tasks", u.token, nil, &list, 200)
	return list.Total
}

// TestPaidAndNotSeenIsRepeatedAfterAKill kills the program as soon as calls were answered, before the database can have
// them, and asks again: the answers are the same, and nothing is charged twice.
func TestPaidAndNotSeenIsRepeatedAfterAKill(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	in := start(t, data)
	u := in.newUser("kill", "")
	stream, err := io.ReadAll(in.post(t.Context(), u.key, keyedStream, "stream").Body)
	if err != nil || !strings.HasSuffix(string(stream), "data: [DONE]\n\n") {
		t.Fatalf("%q %v", stream, err)
	}
	whole, err := io.ReadAll(in.post(t.Context(), u.key, keyedQuestion, "whole").Body)
	if err != nil {
		t.Fatal(err)
	}
	in.stop(syscall.SIGKILL)
	in = start(t, data)
	if got := in.repeated(in.post(t.Context(), u.key, keyedQuestion, "whole")); got != string(whole) {
		t.Errorf("%s, want %s", got, whole)
	}
	if got := in.repeated(in.post(t.Context(), u.key, keyedStream, "stream")); got != string(stream) {
		t.Errorf("%s, want %s", got, stream)
	}
	events := strings.SplitAfter(string(stream), "\n\n")
	id, _, _ := strings.Cut(strings.TrimPrefix(events[4], "id: "), "\n")
	if got := in.repeated(in.post(t.Context(), u.key, keyedStream, "stream", "Last-Event-ID", id)); got != strings.Join(events[5:], "") {
		t.Errorf("resumed behind %s: %s", id, got)
	}
	if n := in.calls(u); n != 2 {
		t.Errorf("%d calls are recorded", n)
	}
	if code := in.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("gantry ended with code %d", code)
	}
}

// TestTermEndsCallsThatNobodyListensTo leaves a long stream that could be resumed and stops the program: it does not wait
// for it, and what was made of it is kept.
func TestTermEndsCallsThatNobodyListensTo(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	in := start(t, data)
	u := in.newUser("unheard", "")
	long := strings.Replace(keyedStream, "40", "4000", 1)
	ctx, leave := context.WithCancel(t.Context())
	resp := in.post(ctx, u.key, long, "k", "X-Simulation", "pace=10")
	first := make([]byte, 100)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	leave()
	began := time.Now()
	if code := in.stop(syscall.SIGTERM); code != 0 || time.Since(began) > 10*time.Second {
		t.Errorf("gantry ended after %v with code %d", time.Since(began), code)
	}
	in = start(t, data)
	got := in.repeated(in.post(t.Context(), u.key, long, "k"))
	if !strings.HasPrefix(got, string(first)) || !strings.Contains(got, "client_closed_request") {
		t.Errorf("%q, want what was made and why it ends", got)
	}
	if n := in.calls(u); n != 1 {
		t.Errorf("%d calls are recorded", n)
	}
}

// TestTermCutsAndSettlesWhatDoesNotEnd has a stream that takes longer than the drain.
func TestTermCutsAndSettlesWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	in := start(t, data, "GANTRY_SHUTDOWN_TIMEOUT=300ms")
	u := in.newUser("long", "")
	req, err := http.NewRequest(http.MethodPost, in.url+"/v1/chat/completions", strings.NewReader(strings.Replace(keyedStream, "40", "4000", 1)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+u.key)
	req.Header.Set("X-Simulation", "pace=20")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if code := in.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("gantry ended with code %d", code)
	}
	in = start(t, data)
	var list struct {
		Items []struct {
			Status  string      `json:"status"`
			Charged json.Number `json:"finalChargeAmount"`
		} `json:"items"`
	}
	in.call(http.MethodGet, "/api/workspace/tasks", u.token, nil, &list, 200)
	if len(list.Items) != 1 || list.Items[0].Status != "cancelled" || list.Items[0].Charged.String() <= "0" {
		t.Errorf("%+v", list)
	}
}

// TestTermTellsBalancersFirst looks at readiness within the delay: new connections are still served then.
func TestTermTellsBalancersFirst(t *testing.T) {
	t.Parallel()
	in := start(t, t.TempDir(), "GANTRY_SHUTDOWN_DELAY=1500ms")
	u := in.newUser("delay", "")
	if err := in.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	status := 0
	for deadline := time.Now().Add(time.Second); status != http.StatusServiceUnavailable && time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		resp, err := client.Get(in.url + "/readyz")
		if err != nil {
			t.Fatalf("within the delay: %v", err)
		}
		status = resp.StatusCode
		_ = resp.Body.Close()
	}
	if status != http.StatusServiceUnavailable {
		t.Errorf("readiness is %d within the delay", status)
	}
	if resp := in.post(t.Context(), u.key, keyedQuestion, "k"); resp.StatusCode != http.StatusOK {
		t.Errorf("a call within the delay: %d", resp.StatusCode)
	}
	<-in.ended
	if code := in.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("gantry ended with code %d", code)
	}
}

// TestAnotherNodeRepeatsTheAnswer asks one node and then another, also while the call runs.
func TestAnotherNodeRepeatsTheAnswer(t *testing.T) {
	t.Parallel()
	env := []string{
		"GANTRY_DATABASE_URL=" + pgtest.New(t), "GANTRY_CLUSTER_ENABLED=true", "GANTRY_LOG_LEVEL=error",
		"GANTRY_MASTER_KEY=" + randomKey(), "GANTRY_AUTH_JWT_SECRET=" + randomKey(),
	}
	one := start(t, t.TempDir(), append([]string{"GANTRY_CLUSTER_NODE=one"}, env...)...)
	two := launch(t, t.TempDir(), append([]string{"GANTRY_CLUSTER_NODE=two"}, env...)...)
	u := one.newUser("nodes", "")
	whole, err := io.ReadAll(one.post(t.Context(), u.key, keyedQuestion, "whole").Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := two.repeated(two.post(t.Context(), u.key, keyedQuestion, "whole")); got != string(whole) {
		t.Errorf("%s, want %s", got, whole)
	}
	running := one.post(t.Context(), u.key, keyedStream, "stream", "X-Simulation", "pace=20")
	first := make([]byte, 100)
	if _, err := io.ReadFull(running.Body, first); err != nil {
		t.Fatal(err)
	}
	resp := two.post(t.Context(), u.key, keyedStream, "stream", "X-Simulation", "pace=20")
	rest, err := io.ReadAll(running.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := two.repeated(resp); got != string(first)+string(rest) {
		t.Errorf("%q, want %q", got, string(first)+string(rest))
	}
	if n := one.calls(u); n != 2 {
		t.Errorf("%d calls are recorded", n)
	}
	for _, node := range []*installation{two, one} {
		if code := node.stop(syscall.SIGTERM); code != 0 {
			t.Errorf("a node ended with code %d", code)
		}
	}
}
