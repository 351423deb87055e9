//go:build crash

package app

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gantry-ai/gantry/internal/journal"
)

// journalDisk dies at a chosen step, for tests of what a crash leaves behind. GANTRY_CRASH is one of write:N, torn:N and
// sync:N: the process is killed right before its Nth write, in the middle of it, or right before its Nth sync. With eio:N
// the process lives and its disk fails from the Nth sync on; with slow:N each sync takes N milliseconds more.
func journalDisk() journal.Disk {
	step, number, _ := strings.Cut(os.Getenv("GANTRY_CRASH"), ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return journal.OSDisk{}
	}
	d := &crashDisk{step: step}
	if step == "slow" {
		d.delay = time.Duration(n) * time.Millisecond
	}
	d.left.Store(n)
	return d
}

type crashDisk struct {
	journal.OSDisk
	step  string
	left  atomic.Int64
	delay time.Duration
}

// reached reports whether this is the step to die at.
func (d *crashDisk) reached(steps ...string) bool {
	return slices.Contains(steps, d.step) && d.left.Add(-1) == 0
}

func die() {
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {}
}

// Create implements journal.Disk.
func (d *crashDisk) Create(path string) (journal.DiskFile, error) {
	f, err := d.OSDisk.Create(path)
	return crashFile{f, d}, err
}

type crashFile struct {
	journal.DiskFile
	disk *crashDisk
}

// Write implements journal.DiskFile.
func (f crashFile) Write(b []byte) (int, error) {
	if f.disk.reached("write", "torn") {
		if f.disk.step == "torn" {
			_, _ = f.DiskFile.Write(b[:len(b)/2])
		}
		die()
	}
	return f.DiskFile.Write(b)
}

// Sync implements journal.DiskFile.
func (f crashFile) Sync() error {
	time.Sleep(f.disk.delay) //nolint:forbidigo // a disk that is slow is what is wanted
	if f.disk.step == "eio" && f.disk.left.Add(-1) <= 0 {
		return syscall.EIO
	}
	if f.disk.reached("sync") {
		die()
	}
	return f.DiskFile.Sync()
}
