package app

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

const (
	// heapRoom is how much of the heap lies on large pages: what some thousands of open streams take. What a process has beyond
	// it lies on the system's usual ones.
	heapRoom = 512 << 20

	// largePage is the size of a large page, and what its address is a multiple of.
	largePage = 2 << 20

	// heapBefore is how far the heap may reach below what the program allocates first: one of the runtime's arenas.
	heapBefore = 64 << 20

	// madviseCollapse is MADV_COLLAPSE of madvise(2), since Linux 6.1.
	madviseCollapse = 25
)

// forget gives the memory of b back to the system until it is used; b is all zeros then.
func forget(b []byte) { _ = syscall.Madvise(b, syscall.MADV_DONTNEED) }

// layRoom has the system give memory for the heap in large pages, and returns where they may lie: nowhere if they are switched
// off, or have another size than most processors' (on some they are as large as the heap). The runtime fills the heap from its
// lowest address; room that was allocated once stays the heap's, and what the system was told of these addresses stays true. The
// next collection gives the room back.
func layRoom() extent {
	const settings = "/sys/kernel/mm/transparent_hugepage/"
	enabled, err1 := os.ReadFile(settings + "enabled")
	size, err2 := os.ReadFile(settings + "hpage_pmd_size")
	if err1 != nil || err2 != nil || strings.Contains(string(enabled), "[never]") || strings.TrimSpace(string(size)) != strconv.Itoa(largePage) {
		return extent{}
	}
	room := make([]byte, heapRoom)
	forget(room) // the runtime may have cleared it
	e := addresses(room)
	e.first -= min(e.first, heapBefore)
	advise(e, syscall.MADV_HUGEPAGE)
	return e
}

// gather lays on large pages what of e is in memory; what is not stays so. A kernel that cannot does it by and by.
func gather(e extent) {
	pages := make([]byte, largePage/os.Getpagesize())
	for first := (e.first + largePage - 1) &^ (largePage - 1); first+largePage <= e.end; first += largePage {
		_, _, failed := syscall.Syscall(syscall.SYS_MINCORE, first, largePage, address(pages))
		if failed == 0 && strings.Trim(string(pages), "\x00") != "" {
			advise(extent{first, first + largePage}, madviseCollapse)
		}
	}
}

// advise is madvise(2). Addresses of which none is mapped are passed over; advice that is not taken changes nothing.
func advise(e extent, how uintptr) {
	_, _, failed := syscall.Syscall(syscall.SYS_MADVISE, e.first, e.end-e.first, how)
	_ = failed
}

func addresses(b []byte) extent { return extent{address(b), address(b) + uintptr(len(b))} }

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
