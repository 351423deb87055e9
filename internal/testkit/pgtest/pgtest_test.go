package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// victimEnv makes this test binary the process that is killed in TestServerDiesWithItsProcess.
const victimEnv = "GANTRY_PGTEST_VICTIM"

const patience = 30 * time.Second

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatalf("connect to %s: %v", dsn, err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	one, two := connect(t, New(t)), connect(t, New(t))
	for _, conn := range []*pgx.Conn{one, two} {
		if _, err := conn.Exec(t.Context(), "CREATE TABLE thing (id BIGINT PRIMARY KEY)"); err != nil {
			t.Fatalf("a fresh database holds no table: %v", err)
		}
	}
	if _, err := one.Exec(t.Context(), "INSERT INTO thing VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := two.QueryRow(t.Context(), "SELECT count(*) FROM thing").Scan(&rows); err != nil || rows != 0 {
		t.Fatalf("rows of the neighbour's database seen: %d, %v", rows, err)
	}
}

//nolint:tparallel // the subtest ends before the rest of its parent, which looks at what it left
func TestDatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	var dsn string
	t.Run("user", func(t *testing.T) {
		dsn = New(t)
		connect(t, dsn)
	})
	conn, err := pgx.Connect(t.Context(), dsn)
	if err == nil {
		_ = conn.Close(t.Context())
		t.Fatal("the database outlived its test")
	}
	if !strings.Contains(err.Error(), "does not exist") {
		t.Fatalf("refused for another reason: %v", err)
	}
}

func TestServerDiesWithItsProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv(victimEnv) != "" {
		fmt.Fprintln(os.Stdout, "dsn", New(t))
		<-t.Context().Done()
	}
	victim := exec.Command(os.Args[0], "-test.run=^TestServerDiesWithItsProcess$")
	victim.Env = append(os.Environ(), victimEnv+"=1")
	output, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	dsn := readDSN(t, bufio.NewScanner(output))
	conn := connect(t, dsn)

	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := conn.WaitForNotification(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the server of a killed process still runs after %v: %v", patience, err)
	}
}

func readDSN(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	for lines.Scan() {
		if dsn, ok := strings.CutPrefix(lines.Text(), "dsn "); ok {
			return dsn
		}
	}
	t.Fatalf("the process to kill ended early: %v", lines.Err())
	return ""
}

func TestMissingBinariesNameThePackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := findBinariesIn(filepath.Join(t.TempDir(), "*", "bin", "initdb"))
	if !errors.Is(err, errNoPostgres) || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Fatalf("got %v", err)
	}
}

func TestNewestDebianVersionIsFound(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	root := t.TempDir()
	for _, version := range []string{"9", "15", "17"} {
		bin := filepath.Join(root, version, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "initdb"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got, err := findBinariesIn(filepath.Join(root, "*", "bin", "initdb"))
	if err != nil || got != filepath.Join(root, "17", "bin") {
		t.Fatalf("got %q, %v", got, err)
	}
}
