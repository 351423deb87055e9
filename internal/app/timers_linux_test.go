package app_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/app"
	"github.com/gantry-ai/gantry/internal/config"
)

// easeTimersAs has this test run as a program that eases its timers under the mode that it names.
const easeTimersAs = "GANTRY_TEST_EASE_TIMERS"

func TestTimersMayBeLateWhereNobodyWaitsForTheDisk(t *testing.T) {
	if mode := os.Getenv(easeTimersAs); mode != "" {
		tellSlack(t, mode)
		return
	}
	t.Parallel()
	own := ownSlack(t)
	for _, c := range []struct{ mode, processors, slack string }{
		{"process", "1", "2000000"}, {"process", "2", own}, {"durable", "1", own},
	} {
		program := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		program.Env = append(os.Environ(), easeTimersAs+"="+c.mode, "GOMAXPROCS="+c.processors)
		out, err := program.Output()
		if err != nil {
			t.Fatal(err, string(out))
		}
		told := fmt.Sprintf("process %d has a slack of %s ns\n", program.Process.Pid, c.slack)
		if n := strings.Count(string(out), told); n != 1 {
			t.Errorf("%+v: want %q once, got it %d times:\n%s", c, told, n, out)
		}
	}
}

// tellSlack tells the slack that the program has been left with.
func tellSlack(t *testing.T, mode string) {
	t.Helper()
	cfg := config.Default()
	cfg.Wallet.SettleAck = mode
	app.EaseTimers(cfg)
	t.Logf("process %d has a slack of %s ns", os.Getpid(), ownSlack(t))
}

func ownSlack(t *testing.T) string {
	t.Helper()
	slack, err := os.ReadFile("/proc/self/timerslack_ns")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(slack))
}
