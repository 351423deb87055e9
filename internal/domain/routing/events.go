package routing

// Changed says that routes, platforms, prices or policies changed in this transaction. Whoever compiled them listens, and
// compiles anew when the transaction is committed (tx.Tx.AfterCommit), so that the change is in force when the call that
// made it returns.
type Changed struct{}
