// Package devicetest is the suite that every pair of driver and terminal passes: keys of every form arrive or are
// refused with the right code, faults of the line are survived or end in the right error, and no peer, however hostile,
// keeps a call longer than its time-outs.
//
// A [Rig] says how driver and terminal are connected, a [Dialect] what is special about their protocol. A rig whose
// lines are in memory runs in testing/synctest bubbles: time-outs cost nothing there. On real lines they are real, and
// short. The suite watches the count of live secrets: whatever happens, nothing may stay behind.
package devicetest
