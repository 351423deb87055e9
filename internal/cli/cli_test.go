package cli_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/cli"
	"github.com/gantry-ai/gantry/internal/config"
)

// result is what one run of the program did.
type result struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, p cli.Program) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p.Stdout, p.Stderr = &stdout, &stderr
	code := cli.Run(t.Context(), p)
	return result{code, stdout.String(), stderr.String()}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   []string
		env    []string
		code   int
		stdout string
		stderr string
	}{
		"version":                   {args: []string{"version"}, stdout: "gantry dev (commit unknown, go1."},
		"help":                      {args: []string{"--help"}, stdout: "Start the server."},
		"help of a command":         {args: []string{"serve", "--help"}, stdout: "--addr=HOST:PORT"},
		"no command":                {code: 2, stderr: "expected one of"},
		"unknown command":           {args: []string{"serv"}, code: 2, stderr: `did you mean "serve"?`},
		"unknown flag":              {args: []string{"serve", "--adr=x"}, code: 2, stderr: `unknown flag --adr`},
		"value and source":          {args: []string{"config", "show", "--addr=:1"}, stdout: "flag --addr"},
		"any setting by flag":       {args: []string{"config", "show", "--set", "trustedProxies=10.0.0.0/8,127.0.0.1"}, stdout: "10.0.0.0/8,127.0.0.1/32"},
		"value with semicolon":      {args: []string{"config", "show", "--set", "data=a;b"}, stdout: "a;b"},
		"valid":                     {args: []string{"config", "check"}, stdout: "the configuration is valid"},
		"invalid":                   {args: []string{"config", "check"}, env: []string{"GANTRY_ADDR=x"}, code: 1, stderr: `addr: want host:port, got "x" (environment GANTRY_ADDR)`},
		"variable that sets nought": {args: []string{"config", "check"}, env: []string{"GANTRY_ADR=x"}, stderr: "gantry: warning: unknown setting GANTRY_ADR"},
		"file that is not there":    {args: []string{"config", "check"}, env: []string{"GANTRY_CONFIG=/absent.yaml"}, code: 1, stderr: "/absent.yaml"},
		"reference":                 {args: []string{"config", "doc"}, stdout: "| `relay.totalTimeout` | `GANTRY_RELAY_TOTAL_TIMEOUT` | `10m` |"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, cli.Program{Args: tt.args, Env: tt.env})
			if got.code != tt.code || !strings.Contains(got.stdout, tt.stdout) || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestShowMasksSecrets(t *testing.T) {
	t.Parallel()
	const canary = "canary-7Hq2"
	got := run(t, cli.Program{Args: []string{"config", "show"}, Env: []string{"GANTRY_DATABASE_URL=postgres://u:" + canary + "@127.0.0.1/d"}})
	if got.code != 0 || strings.Contains(got.stdout+got.stderr, canary) || !strings.Contains(got.stdout, "***") {
		t.Errorf("got %+v", got)
	}
}

func TestFlagFileWinsOverFileOfEnvironment(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(path, []byte("addr: 127.0.0.1:7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, cli.Program{Args: []string{"config", "show", "-c", path}, Env: []string{"GANTRY_CONFIG=/absent.yaml"}})
	if got.code != 0 || !strings.Contains(got.stdout, "127.0.0.1:7") {
		t.Errorf("got %+v", got)
	}
}

func TestServeIsHandedTheConfiguration(t *testing.T) {
	t.Parallel()
	var served config.Config
	got := run(t, cli.Program{
		Args: []string{"serve", "--data=/srv/gantry", "--set", "log.level=debug"},
		Serve: func(_ context.Context, c config.Config, _ io.Writer) error {
			served = c
			return errors.New("port taken")
		},
	})
	if served.Data != "/srv/gantry" || served.Log.Level != "debug" {
		t.Errorf("configuration: %+v", served)
	}
	if served.Log.Format != "json" {
		t.Errorf("format for a writer that is no terminal: %q", served.Log.Format)
	}
	if got.code != 1 || !strings.Contains(got.stderr, "gantry: port taken") {
		t.Errorf("got %+v", got)
	}
}

func TestServeRefusesABadConfiguration(t *testing.T) {
	t.Parallel()
	got := run(t, cli.Program{
		Args:  []string{"serve"},
		Env:   []string{"GANTRY_AUTH_JWT_SECRET=changeme"},
		Serve: func(context.Context, config.Config, io.Writer) error { t.Error("served"); return nil },
	})
	if got.code != 1 || !strings.Contains(got.stderr, "auth.jwtSecret") || strings.Contains(got.stderr, `"changeme"`) {
		t.Errorf("got %+v", got)
	}
}
