#include "index/bundle/document.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/parser.h"

namespace pointsman::bundle {
namespace {

constexpr size_t kLongestParserMessage = 160;
constexpr int kNumberOverflow = 406;  // nlohmann::json's id of this error

// Offset of the first byte that does not belong to a well-formed character (RFC 3629).
std::optional<size_t> FirstInvalidUtf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (size_t i = 0; i < text.size();) {
    const unsigned char lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                          : (lead & 0xF0) == 0xE0        ? 3
                          : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                         : 0;
    if (length == 0 || i + length > text.size()) return i;
    for (size_t j = 1; j < length; ++j) {
      if ((byte(i + j) & 0xC0) != 0x80) return i;
    }
    const unsigned char second = byte(i + 1);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool surrogate = lead == 0xED && second > 0x9F;
    const bool beyond_unicode = lead == 0xF4 && second > 0x8F;
    if (overlong || surrogate || beyond_unicode) return i;
    i += length;
  }
  return std::nullopt;
}

// Checks that a text is UTF-8; a problem names the byte within its line. `line` is the first line.
bool CheckUtf8(std::string_view text, int line, Reporter* reporter) {
  const std::optional<size_t> bad = FirstInvalidUtf8(text);
  if (!bad) return true;
  const std::string_view before = text.substr(0, *bad);
  line += static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  reporter->ReportAt(
      line, Path(),
      absl::StrFormat("byte %d of the line, 0x%02X, is not valid UTF-8", *bad - line_start + 1,
                      static_cast<unsigned char>(text[*bad])));
  return false;
}

// Builds the tree from the events of either parser. After a problem it ignores what comes.
class TreeBuilder {
 public:
  TreeBuilder(TreeNode* root, Reporter* reporter) : reporter_(reporter) { open_.push_back(root); }

  bool failed() const { return failed_; }
  bool wants_key() const {
    return !is_root_ && open_.back()->kind == TreeNode::Kind::kMap && !has_key_;
  }

  bool Fail(int line, std::string_view problem) {
    if (!failed_) {
      const Path root;
      const std::string field = OpenField();
      reporter_->ReportAt(line, field.empty() ? root : root.Field(field), problem);
    }
    failed_ = true;
    return false;
  }

  bool Key(std::string text) {
    key_ = std::move(text);
    has_key_ = true;
    return !failed_;
  }

  bool Scalar(TreeNode::Kind kind, std::string text, int line) {
    TreeNode* node = Add(kind, line);
    if (node != nullptr) node->text = std::move(text);
    return node != nullptr;
  }

  bool Open(TreeNode::Kind kind, int line) {
    if (open_.size() > kMaxDepth) {
      return Fail(line, absl::StrCat("nested more than ", kMaxDepth, " deep"));
    }
    TreeNode* node = Add(kind, line);
    if (node == nullptr) return false;
    if (open_.back() != node) open_.push_back(node);
    return true;
  }

  bool Close() {
    if (!failed_ && open_.size() > 1) open_.pop_back();
    return !failed_;
  }

 private:
  // The field that is being read, as Path would print it.
  std::string OpenField() const {
    std::string field;
    const auto append = [&field](const TreeNode& parent, const std::string& key) {
      if (parent.kind == TreeNode::Kind::kList) {
        absl::StrAppend(&field, "[", parent.children.size(), "]");
      } else if (!key.empty()) {
        absl::StrAppend(&field, field.empty() ? "" : ".", key);
      }
    };
    for (size_t i = 1; i < open_.size(); ++i) append(*open_[i - 1], open_[i]->key);
    append(*open_.back(), key_);
    return field;
  }

  // The next node: the root itself at first, then a child of the innermost open list or map. The
  // pointers in `open_` stay valid since only the innermost one grows.
  TreeNode* Add(TreeNode::Kind kind, int line) {
    if (failed_) return nullptr;
    if (++nodes_ > kMaxNodes) {
      Fail(line, absl::StrCat("more than ", kMaxNodes, " values"));
      return nullptr;
    }
    TreeNode* node = open_.back();
    if (!is_root_) node = &node->children.emplace_back();
    is_root_ = false;
    node->kind = kind;
    node->line = line;
    node->key = std::move(key_);
    key_.clear();
    has_key_ = false;
    return node;
  }

  Reporter* reporter_;
  std::vector<TreeNode*> open_;
  std::string key_;
  bool has_key_ = false;
  bool is_root_ = true;
  bool failed_ = false;
  int nodes_ = 0;
};

class YamlEvents : public YAML::EventHandler {
 public:
  explicit YamlEvents(TreeBuilder* builder) : builder_(builder) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckPlain(mark, "?", anchor);
    if (builder_->wants_key()) {
      builder_->Fail(Line(mark), "a key is missing");
    } else {
      builder_->Scalar(TreeNode::Kind::kNull, "", Line(mark));
    }
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    builder_->Fail(Line(mark), "anchors and aliases are not supported");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckPlain(mark, tag, anchor);
    if (builder_->wants_key()) {
      builder_->Key(value);
    } else {
      builder_->Scalar(tag == "!" ? TreeNode::Kind::kString : TreeNode::Kind::kPlain, value,
                       Line(mark));
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(TreeNode::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { builder_->Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(TreeNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { builder_->Close(); }

 private:
  static int Line(const YAML::Mark& mark) { return mark.line + 1; }

  void Open(TreeNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    CheckPlain(mark, tag, anchor);
    if (builder_->wants_key()) {
      builder_->Fail(Line(mark), "a key must be text");
    } else {
      builder_->Open(kind, Line(mark));
    }
  }

  // yaml-cpp gives "?" for what has no tag and "!" for what is quoted.
  void CheckPlain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) builder_->Fail(Line(mark), "anchors and aliases are not supported");
    if (!tag.empty() && tag != "?" && tag != "!") {
      builder_->Fail(Line(mark), absl::StrCat("tags are not supported, found ", Quoted(tag)));
    }
  }

  TreeBuilder* builder_;
};

// The names of this class are those that nlohmann::json calls.
class JsonEvents {
 public:
  using Json = nlohmann::json;

  JsonEvents(TreeBuilder* builder, int line) : builder_(builder), line_(line) {}

  bool null() { return builder_->Scalar(TreeNode::Kind::kNull, "", line_); }
  bool boolean(bool value) {
    return builder_->Scalar(TreeNode::Kind::kBool, value ? "true" : "false", line_);
  }
  bool number_integer(Json::number_integer_t value) {
    return builder_->Scalar(TreeNode::Kind::kNumber, absl::StrCat(value), line_);
  }
  bool number_unsigned(Json::number_unsigned_t value) {
    return builder_->Scalar(TreeNode::Kind::kNumber, absl::StrCat(value), line_);
  }
  bool number_float(Json::number_float_t, const std::string& text) {
    return builder_->Scalar(TreeNode::Kind::kNumber, text, line_);
  }
  bool string(std::string& value) {
    return builder_->Scalar(TreeNode::Kind::kString, std::move(value), line_);
  }
  bool binary(Json::binary_t&) { return builder_->Fail(line_, "binary data is not supported"); }
  bool start_object(size_t) { return builder_->Open(TreeNode::Kind::kMap, line_); }
  bool key(std::string& value) { return builder_->Key(std::move(value)); }
  bool end_object() { return builder_->Close(); }
  bool start_array(size_t) { return builder_->Open(TreeNode::Kind::kList, line_); }
  bool end_array() { return builder_->Close(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) {
    if (error.id == kNumberOverflow) return builder_->Fail(line_, "must be a finite number");
    // "[json.exception.parse_error.101] parse error at line 1, column 5: what is wrong"
    std::string_view what = error.what();
    what.remove_prefix(std::min(what.size(), what.find("] ") + 2));
    if (what.starts_with("parse error")) what.remove_prefix(what.find(": ") + 2);
    if (what.size() > kLongestParserMessage) what = what.substr(0, kLongestParserMessage);
    while (FirstInvalidUtf8(what)) what.remove_suffix(1);  // the cut may have split a character
    return builder_->Fail(
        line_, absl::StrCat("not JSON at byte ", position, " of the line: ", std::string(what)));
  }

 private:
  TreeBuilder* builder_;
  int line_;
};

}  // namespace

std::string Describe(const TreeNode& node) {
  switch (node.kind) {
    case TreeNode::Kind::kNull:
      return "null";
    case TreeNode::Kind::kPlain:
      return Quoted(node.text);
    case TreeNode::Kind::kString:
      return absl::StrCat("text ", Quoted(node.text));
    case TreeNode::Kind::kNumber:
      return absl::StrCat("the number ", Quoted(node.text));
    case TreeNode::Kind::kBool:
      return Quoted(node.text);
    case TreeNode::Kind::kList:
      return "a list";
    case TreeNode::Kind::kMap:
      return "a map";
  }
  return "unknown";
}

bool ParseYaml(const std::string& text, Reporter* reporter, TreeNode* root) {
  if (!CheckUtf8(text, 1, reporter)) return false;
  TreeBuilder builder(root, reporter);
  YamlEvents events(&builder);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(events)) return builder.Fail(1, "the file is empty");
    YamlEvents ignored(&builder);
    if (!builder.failed() && parser) return builder.Fail(1, "more than one YAML document");
  } catch (const YAML::Exception& error) {
    return builder.Fail(error.mark.line + 1, absl::StrCat("not YAML: ", error.msg));
  }
  return !builder.failed();
}

bool ParseJson(std::string_view text, int line, Reporter* reporter, TreeNode* root) {
  if (!CheckUtf8(text, line, reporter)) return false;
  TreeBuilder builder(root, reporter);
  JsonEvents events(&builder, line);
  // Whatever goes wrong comes as a parse_error event, not as an exception.
  return nlohmann::json::sax_parse(text.begin(), text.end(), &events) && !builder.failed();
}

}  // namespace pointsman::bundle
