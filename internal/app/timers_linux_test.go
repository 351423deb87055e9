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
		tellSlack(mode)
		return
	}
	t.Parallel()
	for mode, slack := range map[string]string{"process": "2000000", "durable": "50000"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			program := exec.Command(os.Args[0], "-test.run=^"+strings.TrimSuffix(t.Name(), "/"+mode)+"$", "-test.v") //nolint:gosec // this test
			program.Env = append(os.Environ(), easeTimersAs+"="+mode)
			out, err := program.Output()
			if err != nil {
				t.Fatal(err, string(out))
			}
			told := fmt.Sprintf("process %d has a slack of %s\n", program.Process.Pid, slack)
			if n := strings.Count(string(out), told); n != 1 {
				t.Errorf("want once %q, got %d times:\n%s", told, n, out)
			}
		})
	}
}

// tellSlack prints the slack that the program has been left with.
func tellSlack(mode string) {
	cfg := config.Default()
	cfg.Wallet.SettleAck = mode
	app.EaseTimers(cfg)
	slack, err := os.ReadFile("/proc/self/timerslack_ns")
	if err != nil {
		fmt.Println(err)
	}
	fmt.Printf("process %d has a slack of %s\n", os.Getpid(), strings.TrimSpace(string(slack)))
}
