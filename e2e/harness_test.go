// Package e2e runs the real program: as its users do, over HTTP, with the providers' own SDKs, against a fake upstream that
// is a process of its own.
package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	adminName     = "admin"
	adminPassword = "correct horse battery"
)

// built is a folder for what the tests start; it goes with them.
var built string

func TestMain(m *testing.M) {
	var err error
	if built, err = os.MkdirTemp("", "gantry-e2e"); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(built)
	os.Exit(code)
}

// binaries builds what the tests start, once.
var binaries = sync.OnceValues(func() (map[string]string, error) {
	dir := built
	out := map[string]string{"gantry": os.Getenv("E2E_GANTRY")}
	for _, b := range []struct{ name, pkg, tags string }{
		{"gantry", "../cmd/gantry", "noconsole"},
		{"gantry-crash", "../cmd/gantry", "noconsole,crash"},
		{"fakeopenai", "../internal/testkit/fakeopenai/cmd/fakeopenai", ""},
	} {
		if out[b.name] != "" {
			continue
		}
		out[b.name] = filepath.Join(dir, b.name)
		if text, err := exec.Command("go", "build", "-tags", b.tags, "-o", out[b.name], b.pkg).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build %s: %w\n%s", b.pkg, err, text)
		}
	}
	return out, nil
})

func binary(t *testing.T, name string) string {
	t.Helper()
	b, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	return b[name]
}

// installation is a running gantry.
type installation struct {
	t     *testing.T
	cmd   *exec.Cmd
	data  string
	url   string
	admin string // bearer token of the administrator
	log   *safeBuffer
	ended chan struct{}
}

type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs gantry on a data directory with an administrator, and waits until it is ready.
func start(t *testing.T, data string, env ...string) *installation {
	t.Helper()
	in := launch(t, data, append([]string{"GANTRY_ADMIN_USERNAME=" + adminName, "GANTRY_ADMIN_PASSWORD=" + adminPassword}, env...)...)
	var login struct {
		AccessToken string `json:"accessToken"`
	}
	in.call(http.MethodPost, "/api/v1/auth/login", "", map[string]any{"account": adminName, "password": adminPassword}, &login, 200)
	in.admin = login.AccessToken
	return in
}

// launch runs gantry and waits until it is ready.
func launch(t *testing.T, data string, env ...string) *installation {
	t.Helper()
	return launchBinary(t, "gantry", data, env...)
}

func launchBinary(t *testing.T, name, data string, env ...string) *installation {
	t.Helper()
	in := &installation{t: t, data: data, url: "http://" + freeAddr(t), log: &safeBuffer{}, ended: make(chan struct{})}
	in.cmd = exec.Command(binary(t, name), "serve", "--data", data, "--addr", strings.TrimPrefix(in.url, "http://"))
	in.cmd.Env = append(append(os.Environ(), "GANTRY_ADMIN_ADDR="+freeAddr(t)), env...)
	in.cmd.Stderr = in.log
	in.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := in.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = in.cmd.Wait()
		close(in.ended)
	}()
	t.Cleanup(func() {
		in.stop(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("log of gantry:\n%s", in.log)
		}
	})
	in.await()
	return in
}

func (in *installation) await() {
	in.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		resp, err := http.Get(in.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-in.ended:
			in.t.Fatalf("gantry ended:\n%s", in.log)
		case <-deadline:
			in.t.Fatal("gantry is not ready after 30 s")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the process and waits for it; its exit code is returned.
func (in *installation) stop(sig syscall.Signal) int {
	_ = in.cmd.Process.Signal(sig)
	<-in.ended
	return in.cmd.ProcessState.ExitCode()
}

// freeAddr returns an address that was free a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+nextPort.Add(1)%ports)
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// Ports for programs under test lie below those that systems give to outgoing connections, which would otherwise take one
// between its choice and its use.
const (
	firstPort = 20000
	ports     = 12000
)

var nextPort = func() *atomic.Int64 {
	var n atomic.Int64
	n.Store(rand.Int64N(ports))
	return &n
}()

// call makes a JSON request and checks its status.
func (in *installation) call(method, path, token string, body, out any, status int) {
	in.t.Helper()
	code, text := in.send(method, path, token, body)
	if code != status {
		in.t.Fatalf("%s %s: %d %s, want %d", method, path, code, text, status)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			in.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
}

func (in *installation) send(method, path, token string, body any) (int, []byte) {
	in.t.Helper()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			in.t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, in.url+path, r)
	if err != nil {
		in.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	return resp.StatusCode, text
}

// user is a person with a key and a wallet.
type user struct {
	id, token, key string
}

// newUser registers a user, credits the USD wallet and makes a key.
func (in *installation) newUser(name, balance string) user {
	in.t.Helper()
	var registered struct {
		AccessToken string `json:"accessToken"`
		User        struct {
			ID string `json:"gatewayUserId"`
		} `json:"user"`
	}
	in.call(http.MethodPost, "/api/v1/auth/register", "", map[string]any{
		"username": name, "email": name + "@example.org", "password": "a long password",
	}, &registered, 201)
	u := user{id: registered.User.ID, token: registered.AccessToken}
	if balance != "" {
		in.call(http.MethodPatch, "/api/admin/users/"+u.id+"/wallet", in.admin, map[string]any{
			"balance": json.Number(balance), "currency": "USD", "reason": "test",
		}, nil, 200)
	}
	var key struct {
		Secret string `json:"secret"`
	}
	in.call(http.MethodPost, "/api/v1/api-keys", u.token, map[string]any{"name": "test"}, &key, 201)
	u.key = key.Secret
	return u
}

// upstream is a running fake of OpenAI's server, and the key that it accepts.
type upstream struct {
	Address string `json:"address"`
	Key     string `json:"key"`
}

// fakeUpstream starts the fake as a process of its own.
func fakeUpstream(t *testing.T) upstream {
	t.Helper()
	cmd := exec.Command(binary(t, "fakeopenai"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe() // held open: the fake ends with it
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var u upstream
	if err := json.Unmarshal([]byte(line), &u); err != nil {
		t.Fatalf("the fake upstream printed %q", line)
	}
	return u
}

// connect makes the fake upstream a platform that offers the named models under their own names.
func (in *installation) connect(up upstream, models map[string]string) {
	in.t.Helper()
	var p struct {
		ID string `json:"id"`
	}
	in.call(http.MethodPost, "/api/admin/platforms", in.admin, map[string]any{
		"provider": "openai", "name": "Fake", "baseUrl": "http://" + up.Address + "/v1", "credentials": map[string]any{"apiKey": up.Key},
	}, &p, 201)
	for name, typ := range models {
		in.call(http.MethodPost, "/api/admin/platforms/"+p.ID+"/models", in.admin, map[string]any{
			"modelAlias": name, "providerModelName": name, "modelType": []string{typ}, "enabled": true,
		}, nil, 201)
	}
}
