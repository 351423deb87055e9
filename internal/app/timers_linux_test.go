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
	for mode, slack := range map[string]string{"process": "2000000", "durable": ownSlack(t)} {
		program := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		program.Env = append(os.Environ(), easeTimersAs+"="+mode)
		out, err := program.Output()
		if err != nil {
			t.Fatal(err, string(out))
		}
		told := fmt.Sprintf("process %d has a slack of %s ns\n", program.Process.Pid, slack)
		if n := strings.Count(string(out), told); n != 1 {
			t.Errorf("%s: want %q once, got it %d times:\n%s", mode, told, n, out)
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
