package wallet

import "crypto/sha256"

// Audit is what a look through the whole books found, as of one moment.
type Audit struct {
	Batches   int64
	Transfers int64
	Accounts  int64
	Tasks     int64
	// Head is the hash of the last batch; zero bytes when there is none. Whoever noted it down earlier can tell that
	// nothing before it was changed since.
	Head   [sha256.Size]byte
	Checks []Check
}

// Check is one statement about the books that was held against every row.
type Check struct {
	Name  string // stable, such as "chain"
	Says  string // what must be true
	Wrong int64  // in how many places it is not
	First Finding
}

// Finding is one place where the books say something else than they must.
type Finding struct {
	Check    string // the check's name
	Row      string // such as "transfer 17"
	Field    string
	Expected string
	Actual   string
}

// NewAudit returns an audit with its checks, of which none has found anything.
func NewAudit() *Audit {
	return &Audit{Checks: []Check{
		{Name: "numbers", Says: "transfers are numbered without gaps"},
		{Name: "chain", Says: "each batch's hash follows from the batch before it and its transfers"},
		{Name: "order", Says: "each transfer goes on from the balances that the one before it left"},
		{Name: "zero", Says: "the balances of a currency sum to zero"},
		{Name: "balances", Says: "an account's balance and totals are those of its transfers"},
		{Name: "covered", Says: "no wallet is below what is held of it and its overdraft"},
		{Name: "holds", Says: "what is held is held by something"},
		{Name: "captures", Says: "a task is charged at most once"},
		{Name: "charges", Says: "a task's charge is its capture, and a capture has its task"},
		{Name: "lines", Says: "the lines of a task's bill sum to its capture and overrun"},
		{Name: "refunds", Says: "no task is refunded more than it was charged"},
		{Name: "grants", Says: "a grant's figures are those of its transfers"},
		{Name: "counters", Says: "what the totals of lists are counted from agrees with the rows"},
		{Name: "journal", Says: "the journal can be read to its end"},
	}}
}

// Add counts a finding, and keeps it when it is the first of its check. A check that is not known becomes one.
func (a *Audit) Add(f Finding) {
	for i := range a.Checks {
		c := &a.Checks[i]
		if c.Name != f.Check {
			continue
		}
		if c.Wrong == 0 {
			c.First = f
		}
		c.Wrong++
		return
	}
	a.Checks = append(a.Checks, Check{Name: f.Check, Says: f.Check, Wrong: 1, First: f})
}

// Clean reports whether every check holds.
func (a *Audit) Clean() bool {
	for _, c := range a.Checks {
		if c.Wrong > 0 {
			return false
		}
	}
	return true
}
