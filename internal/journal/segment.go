package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A segment is one file of the journal, named by the offset of its first byte.
type segment struct {
	path string
	base int64
}

const segmentSuffix = ".log"

func segmentName(base int64) string { return fmt.Sprintf("%020d%s", base, segmentSuffix) }

// listSegments returns the segments of a folder in order. Files with other names are not looked at.
func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []segment
	for _, e := range entries {
		number, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		if base, err := strconv.ParseInt(number, 10, 64); ok && err == nil {
			out = append(out, segment{filepath.Join(dir, e.Name()), base})
		}
	}
	slices.SortFunc(out, func(a, b segment) int { return int(a.base - b.base) })
	return out, nil
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Disk is what a journal writes to. Tests put one in place that fails.
type Disk interface {
	// Create makes a file that did not exist; its name is durable when Create returns.
	Create(path string) (DiskFile, error)
	// Remove deletes a file.
	Remove(path string) error
}

// DiskFile is a file that is appended to.
type DiskFile interface {
	Write(b []byte) (int, error)
	// Sync makes what was written durable.
	Sync() error
	Close() error
}

// OSDisk is the real disk.
type OSDisk struct{}

// Create implements Disk.
func (OSDisk) Create(path string) (DiskFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, syncDir(filepath.Dir(path))
}

// Remove implements Disk.
func (OSDisk) Remove(path string) error { return os.Remove(path) }

type osFile struct{ *os.File }

// Sync asks for the data and the length only: no time stamp of the file matters.
func (f osFile) Sync() error { return syscall.Fdatasync(int(f.Fd())) }
