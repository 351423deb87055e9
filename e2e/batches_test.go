package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/testkit/pgtest"
)

// killedBatch is what is known of a batch whose process is killed again and again.
type killedBatch struct {
	in       *installation
	messages bool // it is one of Anthropic's
	key, id  string
	Status   string  `json:"status"`
	OutputID *string `json:"output_file_id"`
	ErrorID  *string `json:"error_file_id"`
	Counts   struct {
		Total     int `json:"total"`
		Completed int `json:"completed"`
		Failed    int `json:"failed"`
	} `json:"request_counts"`
}

// TestKilledProcessRunsEachLineOfABatchOnce kills the program while a batch is run, and at the end joins what the files, the
// upstream and the books say.
func TestKilledProcessRunsEachLineOfABatchOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ database, protocol string }{{"sqlite", "openai"}, {"postgres", "openai"}, {"sqlite", "anthropic"}, {"postgres", "anthropic"}} {
		t.Run(c.database+"/"+c.protocol, func(t *testing.T) {
			t.Parallel()
			env := []string{"GANTRY_LOG_LEVEL=error", "GANTRY_TASKS_WORKERS=16"}
			if c.database == "postgres" {
				env = append(env, "GANTRY_DATABASE_URL="+pgtest.New(t))
			}
			killBatch(t, env, c.protocol == "anthropic")
		})
	}
}

func killBatch(t *testing.T, env []string, messages bool) {
	t.Helper()
	const lines, kills = 300, 8
	up, address := newCounting(t)
	data := t.TempDir()
	b := &killedBatch{in: start(t, data, env...), messages: messages}
	b.in.connect(address, map[string]string{"gpt-4o-mini": "chat"})
	b.key = b.in.newUser("batches", "1000").key
	b.begin(t, lines)
	for range kills {
		<-time.After(time.Duration(100+rand.IntN(700)) * time.Millisecond)
		b.in.stop(syscall.SIGKILL)
		b.in = launch(t, data, env...)
	}
	b.await(t)
	b.join(t, up, lines)
	if code := b.in.stop(syscall.SIGTERM); code != 0 {
		t.Fatalf("after the kills gantry ends with code %d", code)
	}
	verify := exec.Command(binary(t, "gantry"), "ledger", "verify", "--data", data)
	verify.Env = append(os.Environ(), env...)
	if text, err := verify.CombinedOutput(); err != nil {
		t.Errorf("gantry ledger verify: %v\n%s", err, text)
	}
}

// begin brings the input and asks for the batch.
func (b *killedBatch) begin(t *testing.T, lines int) {
	t.Helper()
	if b.messages {
		b.beginMessages(t, lines)
		return
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("purpose", "batch")
	file, err := form.CreateFormFile("file", "in.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for n := range lines {
		fmt.Fprintf(file, `{"custom_id":"l%d","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","max_tokens":30,"messages":[{"role":"user","content":"l%d"}]}}`+"\n", n, n)
	}
	_ = form.Close()
	var f struct{ ID string }
	b.ask(t, http.MethodPost, "/v1/files", form.FormDataContentType(), body.Bytes(), &f)
	want := `{"input_file_id":"` + f.ID + `","endpoint":"/v1/chat/completions","completion_window":"24h"}`
	var made struct{ ID string }
	b.ask(t, http.MethodPost, "/v1/batches", "application/json", []byte(want), &made)
	b.id = made.ID
}

func (b *killedBatch) ask(t *testing.T, method, path, contentType string, body []byte, out any) []byte {
	t.Helper()
	req, err := http.NewRequest(method, b.in.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.key)
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s (%v)", method, path, resp.StatusCode, text, err)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatal(err)
		}
	}
	return text
}

func (b *killedBatch) await(t *testing.T) {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for b.Status != "completed" {
		if b.messages {
			b.lookMessages(t)
		} else {
			b.ask(t, http.MethodGet, "/v1/batches/"+b.id, "application/json", nil, b)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-limit:
			t.Fatalf("the batch is %s: %+v", b.Status, b.Counts)
		}
	}
}

// join compares the files with what the upstream was asked.
func (b *killedBatch) join(t *testing.T, up *counting, lines int) {
	t.Helper()
	ended := map[string]int{}
	if b.messages {
		ended = b.results(t)
	}
	for _, file := range []*string{b.OutputID, b.ErrorID} {
		if file == nil {
			continue
		}
		for line := range strings.Lines(string(b.ask(t, http.MethodGet, "/v1/files/"+*file+"/content", "application/json", nil, nil))) {
			var o struct {
				CustomID string `json:"custom_id"`
				Response struct {
					Status int `json:"status_code"`
				} `json:"response"`
			}
			if err := json.Unmarshal([]byte(line), &o); err != nil || ended[o.CustomID] != 0 {
				t.Errorf("%s: %v", line, err)
			}
			ended[o.CustomID] = o.Response.Status
		}
	}
	up.mu.Lock()
	defer up.mu.Unlock()
	for line, status := range ended {
		if times := up.asked[line]; times > 1 || status == 200 && times != 1 {
			t.Errorf("%s ended with %d; the upstream was asked %d times", line, status, times)
		}
	}
	if b.Counts.Total != lines || b.Counts.Completed+b.Counts.Failed != lines || len(ended) != lines || b.Counts.Completed == 0 {
		t.Errorf("%+v, and %d lines have ended", b.Counts, len(ended))
	}
	t.Logf("%d lines: %d served, %d interrupted by a kill and not made again", lines, b.Counts.Completed, b.Counts.Failed)
}
