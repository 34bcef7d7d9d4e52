// YAML or JSON text -> a small tree of nodes that know their lines. The only part that knows
// yaml-cpp and nlohmann::json; from here on the two languages are one.
//
// Bounded: texts nest at most kMaxDepth deep and have at most kMaxNodes nodes. YAML is taken
// without anchors, aliases and tags, which our files do not need and which make small texts large.
#ifndef POINTSMAN_INDEX_BUNDLE_DOCUMENT_H_
#define POINTSMAN_INDEX_BUNDLE_DOCUMENT_H_

#include <string>
#include <string_view>
#include <vector>

#include "index/bundle/problems.h"

namespace pointsman::bundle {

inline constexpr int kMaxDepth = 32;
inline constexpr int kMaxNodes = 500'000;

struct TreeNode {
  enum class Kind {
    kNull,
    kPlain,   // an unquoted YAML scalar: whoever reads it decides what it is
    kString,  // quoted
    kNumber,  // of JSON
    kBool,    // of JSON
    kList,
    kMap,
  };
  Kind kind = Kind::kNull;
  int line = 0;
  std::string text;                // of a scalar, as it was written
  std::vector<TreeNode> children;  // of a list or map, in the order of the text
  std::string key;                 // of a child of a map
};

// "a list", "a map", "text `abc`", ...: what a node is, for error messages.
std::string Describe(const TreeNode& node);

// Parse one document into `root`. False if something is wrong, after reporting it. `line` is the
// line of the file that a JSON text stands on; the text itself must be of one line.
bool ParseYaml(const std::string& text, Reporter* reporter, TreeNode* root);
bool ParseJson(std::string_view text, int line, Reporter* reporter, TreeNode* root);

}  // namespace pointsman::bundle

#endif  // POINTSMAN_INDEX_BUNDLE_DOCUMENT_H_
