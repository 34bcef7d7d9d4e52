// What a path stands for right now, as a string that is equal as long as nothing changed: where its
// symbolic links lead, and the identity, size and times of the files found there. And the
// directories in which a change of that would show.
//
// Only metadata is read, never contents. Nothing fails: an absent or unreadable path has a
// fingerprint, too, which says so.
#ifndef POINTSMAN_SERVER_RELOAD_PATH_FINGERPRINT_H_
#define POINTSMAN_SERVER_RELOAD_PATH_FINGERPRINT_H_

#include <set>
#include <string>

namespace pointsman::server {

// Entries of a directory beyond this number are not looked at; a bundle has some ten.
inline constexpr int kMaxFingerprintedEntries = 1024;

// Of a file: real path, device, inode, size and modification time. Not the change time, which a
// chmod or a backup moves although nothing is written. Of a directory: the real path, device and
// inode, and the same of every regular file (also through symbolic links) in it. Its own times are
// left out: a temporary file beside the files that matter is no change.
std::string FingerprintOf(const std::string& path);

// Every directory whose entries take part in the resolution of `path`: the parent of each symbolic
// link on the way and of the end, and the end itself if it is a directory. Where the path breaks
// off, the directory in which the missing name would appear.
std::set<std::string> DirectoriesAlong(const std::string& path);

}  // namespace pointsman::server

#endif  // POINTSMAN_SERVER_RELOAD_PATH_FINGERPRINT_H_
