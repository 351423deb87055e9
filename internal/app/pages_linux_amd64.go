package app

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

const (
	// Of mremap(2).
	mremapMayMove = 1
	mremapFixed   = 2
)

// EnlargePages puts the program's code on large pages, in place of the file's small ones, and reports whether it did. A call runs
// through a megabyte of code; with small pages the processor looks up hundreds of them, which in a virtual machine is two look-ups
// each, of tables that its neighbours push out of the caches. Where the system has no large pages, or does not let code be written,
// everything stays as it is. Source: decision 0039.
func EnlargePages() bool {
	first, last := code()
	first, last = (first+largePage-1)&^(largePage-1), last&^(largePage-1)
	if first >= last {
		return false
	}
	size := int(last - first)
	memory, err := syscall.Mmap(-1, 0, size+largePage, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return false
	}
	start := -address(memory) & (largePage - 1)
	copied := memory[start : int(start)+size]
	if !copyCode(copied, first) {
		_ = syscall.Munmap(memory)
		return false
	}
	// The kernel puts one mapping in the place of the other while every thread that would run there waits: what they find is the
	// same code.
	_, _, failed := syscall.Syscall6(syscall.SYS_MREMAP, address(copied), uintptr(size), uintptr(size), mremapMayMove|mremapFixed, first, 0)
	if failed != 0 {
		_ = syscall.Munmap(memory)
	}
	return failed == 0
}

// copyCode fills to with the code at an address, and reports whether it lies on large pages now and may be run.
func copyCode(to []byte, from uintptr) bool {
	before := onLargePages()
	if syscall.Madvise(to, syscall.MADV_HUGEPAGE) != nil {
		return false
	}
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		return false
	}
	defer func() { _ = memory.Close() }()
	if _, err := memory.ReadAt(to, int64(from)); err != nil { //nolint:gosec // code lies in the lower half
		return false
	}
	return onLargePages()-before >= len(to)/2 && syscall.Mprotect(to, syscall.PROT_READ|syscall.PROT_EXEC) == nil
}

// code returns where the program's code begins and ends; both are 0 where that cannot be told.
func code() (first, last uintptr) {
	var here [1]uintptr
	runtime.Callers(1, here[:])
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(maps)) {
		extent, _, _ := strings.Cut(line, " ")
		from, to, _ := strings.Cut(extent, "-")
		a, err1 := strconv.ParseUint(from, 16, 64)
		b, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil && uintptr(a) <= here[0] && here[0] < uintptr(b) {
			return uintptr(a), uintptr(b)
		}
	}
	return 0, 0
}

// onLargePages is how many bytes of the process lie on large pages.
func onLargePages() int {
	sums, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(sums, []byte("AnonHugePages:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.Atoi(string(fields[0]))
	return kib << 10
}
