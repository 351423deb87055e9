package e2e

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSecondProcessOnTheSameDataIsRefused(t *testing.T) {
	t.Parallel()
	in := start(t, t.TempDir())
	cmd := exec.Command(binary(t, "gantry"), "serve", "--data", in.data, "--addr", freeAddr(t))
	text, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(text), "in use by another gantry process") {
		t.Errorf("%v: %s", err, text)
	}
}

var setupLink = regexp.MustCompile(`http://[^\s]+/console/setup#token=(\S+)`)

func TestSetupLinkWorksOnce(t *testing.T) {
	t.Parallel()
	in := launch(t, t.TempDir())
	var link []string
	for deadline := time.Now().Add(5 * time.Second); link == nil && time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		link = setupLink.FindStringSubmatch(in.log.String())
	}
	if link == nil {
		t.Fatalf("no setup link in\n%s", in.log)
	}
	for _, file := range []string{"setup-token", "master.key", "jwt.key"} {
		info, err := os.Stat(filepath.Join(in.data, file))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	setup := func(token string) map[string]any {
		return map[string]any{"token": token, "username": "owner", "password": "a long password", "email": "owner@example.org"}
	}
	in.call(http.MethodPost, "/api/console/setup", "", setup("wrong"), nil, 403)
	in.call(http.MethodPost, "/api/console/setup", "", setup(link[1]), nil, 201)
	in.call(http.MethodPost, "/api/console/setup", "", setup(link[1]), nil, 409)
}

// TestTermLetsStreamsFinish sends SIGTERM in the middle of a stream: it goes on to its end, and the process ends well.
func TestTermLetsStreamsFinish(t *testing.T) {
	t.Parallel()
	in := start(t, t.TempDir())
	u := in.newUser("drain", "")
	req, err := http.NewRequest(http.MethodPost, in.url+"/v1/chat/completions",
		strings.NewReader(`{"model":"sim-chat","max_tokens":60,"stream":true,"messages":[{"role":"user","content":"a long story"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+u.key)
	req.Header.Set("X-Simulation", "pace=40")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 1)
	if _, err := resp.Body.Read(first); err != nil {
		t.Fatal(err)
	}
	if err := in.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	for buf := make([]byte, 4096); ; {
		n, err := resp.Body.Read(buf)
		rest.Write(buf[:n])
		if err != nil {
			break
		}
	}
	if !strings.HasSuffix(rest.String(), "data: [DONE]\n\n") {
		t.Errorf("the stream ends with %q", rest.String()[max(0, rest.Len()-200):])
	}
	<-in.ended
	if code := in.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("gantry ended with code %d", code)
	}
}

// TestMetricsAreOnThePrivateListenerOnly counts a call, and looks for it where operators look and where callers might.
func TestMetricsAreOnThePrivateListenerOnly(t *testing.T) {
	t.Parallel()
	admin := freeAddr(t)
	in := start(t, t.TempDir(), "GANTRY_ADMIN_ADDR="+admin)
	u := in.newUser("metrics", "")
	in.call(http.MethodPost, "/v1/chat/completions", u.key, map[string]any{
		"model": "sim-chat", "max_tokens": 5, "messages": []any{map[string]any{"role": "user", "content": "hi"}},
	}, nil, 200)
	read := func(url string) (int, string) {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	want := `gantry_requests_total{kind="chat.completions",model="sim-chat",platform="simulation",status="200"} 1`
	status, text := read("http://" + admin + "/metrics")
	for end := time.Now().Add(5 * time.Second); !strings.Contains(text, want) && time.Now().Before(end); { // it is counted after its answer
		<-time.After(10 * time.Millisecond)
		status, text = read("http://" + admin + "/metrics")
	}
	if status != http.StatusOK || !strings.Contains(text, want) {
		t.Errorf("%d, without %s", status, want)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		if status, _ := read(in.url + path); status != http.StatusNotFound {
			t.Errorf("%s on the public port answers %d", path, status)
		}
	}
}

func TestDisabledKeyStopsAtOnce(t *testing.T) {
	t.Parallel()
	in := start(t, t.TempDir())
	u := in.newUser("stop", "")
	ask := map[string]any{"model": "sim-chat", "max_tokens": 5, "messages": []any{map[string]any{"role": "user", "content": "hi"}}}
	in.call(http.MethodPost, "/v1/chat/completions", u.key, ask, nil, 200)
	var keys struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	in.call(http.MethodGet, "/api/v1/api-keys", u.token, nil, &keys, 200)
	in.call(http.MethodPatch, "/api/v1/api-keys/"+keys.Items[0].ID+"/disable", u.token, nil, nil, 200)
	in.call(http.MethodPost, "/v1/chat/completions", u.key, ask, nil, 401)
}
