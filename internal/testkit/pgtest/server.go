package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// superuser is the role that initdb creates; a maintenance database of the same name comes with it.
const superuser = "postgres"

// settings trade durability, which a temporary server does not need, for speed.
var settings = []string{
	"listen_addresses=",
	"fsync=off",
	"synchronous_commit=off",
	"full_page_writes=off",
	"autovacuum=off",
	"shared_buffers=64MB",
	"max_connections=200",
}

// server is a running temporary PostgreSQL.
type server struct {
	dir string // holds the data folder, the log and the socket
	// alive is the write end of the watchdog's input. The server ends when it is closed, which the kernel
	// does when this process ends. It is kept here so that it is never collected before.
	alive *os.File
}

// startServer makes a data folder and starts a server on it. On an error the watchdog clears up.
func startServer() (*server, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gantry-pg-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	if err := account.own(dir); err != nil {
		return nil, err
	}
	alive, err := startWatchdog(bin, dir, account)
	if err != nil {
		return nil, err
	}
	srv := &server{dir: dir, alive: alive}
	if err := srv.boot(bin, account); err != nil {
		return nil, errors.Join(err, alive.Close())
	}
	return srv, nil
}

// boot runs initdb and pg_ctl start, and returns when the server takes connections.
func (s *server) boot(bin string, account account) error {
	data := filepath.Join(s.dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "--pgdata="+data, "--username="+superuser,
		"--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if err := s.run(initdb, account); err != nil {
		return err
	}
	options := []string{"-k", s.dir}
	for _, setting := range settings {
		options = append(options, "-c", setting)
	}
	return s.run(exec.Command(filepath.Join(bin, "pg_ctl"), "start", "--wait", "--silent", "--pgdata="+data,
		"--log="+filepath.Join(s.dir, "log"), "--options="+strings.Join(options, " ")), account)
}

// run runs a command to its end. Its output goes to a file, not to a pipe: the server that pg_ctl starts
// would keep a pipe open for ever.
func (s *server) run(cmd *exec.Cmd, account account) error {
	output, err := os.Create(filepath.Join(s.dir, "output"))
	if err != nil {
		return fmt.Errorf("log of %s: %w", cmd.Path, err)
	}
	defer output.Close()
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account.credential}
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(output.Name())
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("%s: %w\n%s%s", filepath.Base(cmd.Path), err, said, log)
	}
	return nil
}

// startWatchdog starts a process that waits for its input to end, then stops the server and removes dir. It
// runs in a process group of its own so that an interrupt meant for the tests does not reach it first.
func startWatchdog(bin, dir string, account account) (*os.File, error) {
	const script = `cat; "$1/pg_ctl" stop --silent --mode=immediate --pgdata="$2/data"; cd /; rm -rf "$2"`
	ended, alive, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe to the watchdog: %w", err)
	}
	defer ended.Close()
	watchdog := exec.Command("/bin/sh", "-c", script, "gantry-pg-watchdog", bin, dir)
	watchdog.Dir, watchdog.Stdin = dir, ended
	watchdog.SysProcAttr = &syscall.SysProcAttr{Credential: account.credential, Setpgid: true}
	if err := watchdog.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the watchdog: %w", err), alive.Close())
	}
	return alive, nil
}
