//go:build crash

package app

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/gantry-ai/gantry/internal/journal"
)

// journalDisk dies at a chosen step, for tests of what a crash leaves behind. GANTRY_CRASH is one of write:N, torn:N and
// sync:N: the process is killed right before its Nth write, in the middle of it, or right before its Nth sync. With eio:N
// the process lives and its disk fails from the Nth sync on.
func journalDisk() journal.Disk {
	step, number, _ := strings.Cut(os.Getenv("GANTRY_CRASH"), ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return journal.OSDisk{}
	}
	d := &crashDisk{step: step}
	d.left.Store(n)
	return d
}

type crashDisk struct {
	journal.OSDisk
	step string
	left atomic.Int64
}

// reached reports whether this is the step to die at.
func (d *crashDisk) reached(steps ...string) bool {
	for _, s := range steps {
		if s == d.step {
			return d.left.Add(-1) == 0
		}
	}
	return false
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
	if f.disk.step == "eio" && f.disk.left.Add(-1) <= 0 {
		return syscall.EIO
	}
	if f.disk.reached("sync") {
		die()
	}
	return f.DiskFile.Sync()
}
