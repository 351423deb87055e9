package app

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// dataDir is the folder that holds everything an installation keeps, locked for one process.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes the folder if it is missing and locks it. The lock goes with the process, however that ends.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "gantry.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("data directory %s is in use by another gantry process: stop that one, or choose another with --data", path)
		}
		return nil, fmt.Errorf("data directory: lock: %w", err)
	}
	return &dataDir{path, lock}, nil
}

// close gives the folder free.
func (d *dataDir) close() error { return d.lock.Close() }

// file is the path of a file in the folder.
func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

const keyBytes = 32

// key returns the 32 random bytes kept in a file of the folder, making them at the first call. The file is readable by
// its owner only; it must be backed up, but never together with the database.
func (d *dataDir) key(name string) ([]byte, error) {
	key, err := readKey(d.file(name))
	if errors.Is(err, os.ErrNotExist) {
		return d.newKey(name)
	}
	return key, err
}

// readKey reads a key that is there.
func readKey(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(key) != keyBytes {
		return nil, fmt.Errorf("%s does not hold a key: restore it from a backup", file)
	}
	return key, nil
}

func (d *dataDir) newKey(name string) ([]byte, error) {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails: crypto/rand crashes the program instead
	f, err := os.OpenFile(d.file(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key))
	return key, errors.Join(err, f.Sync(), f.Close())
}
