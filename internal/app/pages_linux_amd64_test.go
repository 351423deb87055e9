package app_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gantry-ai/gantry/internal/app"
)

// enlargePagesAs has this test run as a program that moves its own code.
const enlargePagesAs = "GANTRY_TEST_ENLARGE_PAGES"

// TestCodeMovesUnderWhoRunsIt moves the code to large pages while other threads run it, and looks where it lies then.
func TestCodeMovesUnderWhoRunsIt(t *testing.T) {
	if os.Getenv(enlargePagesAs) != "" {
		moveCode(t)
		return
	}
	t.Parallel()
	program := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	program.Env = append(os.Environ(), enlargePagesAs+"=1", "GOMAXPROCS=4")
	out, err := program.Output()
	if err != nil {
		t.Fatal(err, string(out))
	}
	told := string(out)
	if !strings.Contains(told, "moved: true, on large pages: true") && !strings.Contains(told, "large pages at hand: false, moved: false, on large pages: false") {
		t.Error(told)
	}
}

func moveCode(t *testing.T) {
	t.Helper()
	var all sync.WaitGroup
	done := make(chan struct{})
	want := work(t)
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if got := work(t); got != want {
					t.Error("work went wrong while the code was moved")
				}
			}
		})
	}
	atHand := largePagesAtHand(t)
	moved := app.EnlargePages()
	for range 20 {
		work(t)
		runtime.GC()
	}
	close(done)
	all.Wait()
	t.Logf("large pages at hand: %t, moved: %t, on large pages: %t", atHand, moved, isLarge(t, "r-xp"))
}

func work(t *testing.T) string {
	t.Helper()
	lines := make([]string, 0, 50)
	for n := range 50 {
		lines = append(lines, fmt.Sprintf("%x", sha256.Sum256([]byte(strconv.Itoa(n)))))
	}
	return strings.Join(lines, "\n")
}

// largePagesAtHand reports whether the system gives large pages to who asks for them.
func largePagesAtHand(t *testing.T) bool {
	t.Helper()
	memory, err := syscall.Mmap(-1, 0, 64<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Munmap(memory) }()
	if err := syscall.Madvise(memory, syscall.MADV_HUGEPAGE); err != nil {
		return false
	}
	for at := 0; at < len(memory); at += os.Getpagesize() {
		memory[at] = 1
	}
	return isLarge(t, "rw-p")
}

// isLarge reports whether a part of the process with such permissions lies on large pages.
func isLarge(t *testing.T, permissions string) bool {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	asked := false // what comes next is of such a part
	for line := range strings.Lines(string(smaps)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) > 1 && strings.Contains(fields[0], "-"):
			asked = fields[1] == permissions
		case asked && fields[0] == "AnonHugePages:" && fields[1] != "0":
			return true
		}
	}
	return false
}
