package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// debianBinaries is where Debian keeps the servers, outside PATH, one folder per major version.
const debianBinaries = "/usr/lib/postgresql/*/bin/initdb"

// errNoPostgres says what to do about it, because it is what a newcomer reads first.
var errNoPostgres = errors.New("no PostgreSQL server binaries (initdb) in PATH or " + debianBinaries +
	"; on Debian: apt-get install postgresql")

// findBinaries returns the folder of initdb and pg_ctl: the one in PATH, else Debian's newest.
func findBinaries() (string, error) {
	return findBinariesIn(debianBinaries)
}

func findBinariesIn(pattern string) (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		return "", errNoPostgres
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return major(a) - major(b) })
	return filepath.Dir(newest), nil
}

// major returns the version folder of …/<major>/bin/initdb, 0 for anything else.
func major(path string) int {
	version, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return version
}

// account is whom the server runs as. The zero value is the user of this process.
type account struct {
	credential *syscall.Credential
}

// unprivileged returns the account for the server, which refuses to run as root: then it is postgres, who
// comes with Debian's package, else nobody.
func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if found, err := user.Lookup(name); err == nil {
			return credentialOf(found)
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

func credentialOf(found *user.User) (account, error) {
	uid, err := strconv.ParseUint(found.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("uid of %s: %w", found.Username, err)
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("gid of %s: %w", found.Username, err)
	}
	return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// own gives a folder to the account.
func (a account) own(dir string) error {
	if a.credential == nil {
		return nil
	}
	if err := os.Chown(dir, int(a.credential.Uid), int(a.credential.Gid)); err != nil {
		return fmt.Errorf("give %s to the server's user: %w", dir, err)
	}
	return nil
}
