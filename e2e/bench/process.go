package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that is measured.
type process struct {
	cmd     *exec.Cmd
	url     string
	metrics string // where it tells its allocations
	key     string
	model   string
	dir     string
	wallet  string // the path at which the administrator sets the balance; empty for the proxy
	token   string // of the administrator
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}

// startSelf starts this program in another role; its first line tells its address.
func startSelf(ctx context.Context, role string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"-role", role}, args...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s did not start: %w", role, err)
	}
	url := strings.TrimSpace(line)
	return &process{cmd: cmd, url: url, metrics: url + "/mallocs", model: "m", key: "none"}, nil
}

const (
	adminName     = "admin"
	adminPassword = "harbour crane seventeen"
)

// startGantry starts the binary on a fresh data directory and connects the upstream as a platform.
func startGantry(ctx context.Context, binary, upstream string) (*process, error) {
	dir, err := os.MkdirTemp("", "gantry-bench")
	if err != nil {
		return nil, err
	}
	addr, admin, err := freePorts()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary, "serve", "--data", filepath.Join(dir, "data"), "--addr", addr)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GANTRY_ADMIN_USERNAME="+adminName, "GANTRY_ADMIN_PASSWORD="+adminPassword,
		"GANTRY_ADMIN_ADDR="+admin, "GANTRY_LOG_LEVEL=error", "GANTRY_WALLET_SETTLE_ACK=process")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, url: "http://" + addr, metrics: "http://" + admin + "/metrics", model: "m", dir: dir}
	if err := p.connect(upstream); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// crossed ends the name of the model whose upstream speaks Anthropic's protocol.
const crossed = "-messages"

// connect signs in, connects the upstream in both protocols that it speaks, fills the wallet and makes a key.
func (p *process) connect(upstream string) error {
	if err := p.await(); err != nil {
		return err
	}
	var login struct {
		AccessToken string `json:"accessToken"`
		User        struct {
			ID string `json:"gatewayUserId"`
		} `json:"user"`
	}
	if err := p.call(http.MethodPost, "/api/v1/auth/login", "", map[string]any{"account": adminName, "password": adminPassword}, &login); err != nil {
		return err
	}
	var platform struct {
		ID string `json:"id"`
	}
	token := login.AccessToken
	p.token = token
	for _, of := range []struct{ provider, baseURL, model string }{
		{"openai", upstream + "/v1", p.model}, {"anthropic", upstream, p.model + crossed},
	} {
		err := p.call(http.MethodPost, "/api/admin/platforms", token, map[string]any{
			"provider": of.provider, "name": of.provider, "baseUrl": of.baseURL, "credentials": map[string]any{"apiKey": "none"},
		}, &platform)
		if err != nil {
			return err
		}
		err = p.call(http.MethodPost, "/api/admin/platforms/"+platform.ID+"/models", token, map[string]any{
			"modelAlias": of.model, "providerModelName": of.model, "modelType": []string{"chat"}, "enabled": true,
		}, nil)
		if err != nil {
			return err
		}
	}
	p.wallet = "/api/admin/users/" + login.User.ID + "/wallet"
	if err := p.settle(); err != nil {
		return err
	}
	var created struct {
		Secret string `json:"secret"`
	}
	err := p.call(http.MethodPost, "/api/v1/api-keys", token, map[string]any{"name": "bench"}, &created)
	p.key = created.Secret
	return err
}

func (p *process) await() error {
	for range 200 {
		resp, err := http.Get(p.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		<-time.After(50 * time.Millisecond)
	}
	return errors.New("gantry did not become ready")
}

func (p *process) call(method, path, token string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// cpu is the processor time that the process has used, to the nanosecond: what is counted in ticks misses short spells of
// work, of which a stream consists.
func (p *process) cpu() (total time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			return 0, err
		}
		ran, _, _ := strings.Cut(string(text), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(ns)
	}
	return total, nil
}

// mallocs is how many objects the process has allocated.
func (p *process) mallocs() (float64, error) {
	resp, err := http.Get(p.metrics)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), "go_memstats_mallocs_total "); ok {
			return strconv.ParseFloat(v, 64)
		}
	}
	return 0, errors.New("no go_memstats_mallocs_total at " + p.metrics)
}

// settle fills the wallet, for which Gantry writes its finished calls to the database first.
func (p *process) settle() error {
	if p.wallet == "" {
		return nil
	}
	return p.call(http.MethodPatch, p.wallet, p.token, map[string]any{
		"balance": 1_000_000, "currency": "USD", "reason": "benchmark",
	}, nil)
}

// resident is how much memory the process has from the system, in bytes.
func (p *process) resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmRSS")
}
