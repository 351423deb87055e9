package app

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// raiseHeapAs has this test run as a program that has a heap of its own.
const raiseHeapAs = "GANTRY_TEST_RAISE_HEAP"

// TestHeapLiesOnLargePages looks where what is allocated lies, what of the heap is in memory, and when it is to be collected.
func TestHeapLiesOnLargePages(t *testing.T) {
	if os.Getenv(raiseHeapAs) != "" {
		useHeap(t)
		return
	}
	t.Parallel()
	asProgram(t, raiseHeapAs)
}

func useHeap(t *testing.T) {
	t.Helper()
	h := raiseHeap()
	defer h.end()
	goal := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	metrics.Read(goal)
	if due := goal[0].Value.Uint64(); due < 2*heapFloor || due > 3*heapFloor {
		t.Errorf("the next collection is due at %d MiB", due>>20)
	}
	of := func(e extent, _ string) bool { return h.large.first < e.end && e.first < h.large.end }

	const pieces, size = 512, 64 << 10
	kept := make([][]byte, pieces)
	for i := range kept {
		kept[i] = make([]byte, size)
		kept[i][0] = 1
	}
	atHand, canGather := largePagesAtHand(t)
	if onLarge := largeBytes(t, of); (onLarge > 0) != atHand {
		t.Errorf("%d MiB of what was allocated lie on large pages; at hand: %t", onLarge>>20, atHand)
	}
	for i := range kept {
		if i%4 != 0 {
			kept[i] = nil // what a start leaves has gaps, which are given back
		}
	}
	h.settle()
	if onLarge := largeBytes(t, of); canGather && onLarge < pieces*size/2 {
		t.Errorf("%d MiB of what was left lie on large pages", onLarge>>20)
	}
	if resident := memoryOf(t, of, "Rss:"); resident > 128<<20 {
		t.Errorf("%d MiB are in memory", resident>>20)
	}
	runtime.KeepAlive(kept)
}

// asProgram runs the test as a program of its own that finds the variable set, and returns what it told.
func asProgram(t *testing.T, variable string) string {
	t.Helper()
	program := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	program.Env = append(os.Environ(), variable+"=1", "GOMAXPROCS=4")
	out, err := program.Output()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Fatal(err, string(out))
	}
	return string(out)
}

// largePagesAtHand reports whether the system gives large pages to who asks for them, and lays on such what is in memory.
func largePagesAtHand(t *testing.T) (atHand, canGather bool) {
	t.Helper()
	memory, err := syscall.Mmap(-1, 0, 64<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Munmap(memory) }()
	if err := syscall.Madvise(memory, syscall.MADV_HUGEPAGE); err != nil {
		return false, false
	}
	for at := 0; at < len(memory); at += os.Getpagesize() {
		memory[at] = 1
	}
	here := addresses(memory)
	atHand = largeBytes(t, func(e extent, _ string) bool { return here.first < e.end && e.first < here.end }) > 0
	return atHand, atHand && syscall.Madvise(memory, madviseCollapse) == nil
}

// largeBytes is how much of the wanted parts of the process lies on large pages.
func largeBytes(t *testing.T, wanted func(e extent, permissions string) bool) int {
	t.Helper()
	return memoryOf(t, wanted, "AnonHugePages:")
}

// memoryOf is what the system tells of the wanted parts of the process.
func memoryOf(t *testing.T, wanted func(e extent, permissions string) bool, figure string) (total int) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	counts := false // what comes next is of a wanted part
	for line := range strings.Lines(string(smaps)) {
		fields := strings.Fields(line)
		from, to, isExtent := strings.Cut(fields[0], "-")
		first, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		switch {
		case isExtent && err1 == nil && err2 == nil:
			counts = wanted(extent{uintptr(first), uintptr(end)}, fields[1])
		case counts && fields[0] == figure:
			kib, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			total += kib << 10
		}
	}
	return total
}
