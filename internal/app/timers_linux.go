package app

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/gantry-ai/gantry/internal/config"
	"github.com/gantry-ai/gantry/internal/journal"
)

// timerSlack is how late the system may wake a thread that waits for a time. Source: decision 0038.
const timerSlack = 2 * time.Millisecond

// Of prctl(2).
const (
	setTimerSlack = 29
	getTimerSlack = 30
)

// EaseTimers begins the program again, as the same process, with timers that may be late by timerSlack, where calls do not wait
// for the disk and one processor serves them; it returns where there is nothing to do, or it cannot be done. While calls come and
// go, the Go runtime's monitor wakes thousands of times a second to look for threads that the system holds up, and each time takes
// that processor from a call. The monitor's thread is there before any code of ours runs, and has the slack that the program began
// with: that is why it begins again. Several processors take work from each other with short sleeps, which must not become long.
// Source: decision 0038.
func EaseTimers(cfg config.Config) {
	program, err := os.Executable()
	if err != nil || journal.Ack(cfg.Wallet.SettleAck) != journal.Process || runtime.GOMAXPROCS(0) > 1 {
		return
	}
	runtime.LockOSThread() // slack belongs to a thread, and exec keeps that of the one that calls it
	defer runtime.UnlockOSThread()
	own, ok := prctl(getTimerSlack, 0)
	if !ok || time.Duration(own) >= timerSlack { //nolint:gosec // nanoseconds, of which there are few
		return
	}
	if _, ok = prctl(setTimerSlack, uintptr(timerSlack)); ok {
		_ = syscall.Exec(program, os.Args, os.Environ()) //nolint:gosec // the program itself, as it was called
		prctl(setTimerSlack, own)
	}
}

func prctl(option, value uintptr) (result uintptr, ok bool) {
	result, _, failed := syscall.Syscall(syscall.SYS_PRCTL, option, value, 0)
	return result, failed == 0
}
