#include "doppel/service/http_message.h"

#include <gmock/gmock.h>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

using testing::HasSubstr;

HttpRequest form_of(const std::string& body, const std::string& boundary = "xyz") {
  HttpRequest request;
  request.headers["content-type"] = "multipart/form-data; boundary=" + boundary;
  request.body = body;
  return request;
}

std::string refused_form(const HttpRequest& request, size_t most = 10) {
  try {
    read_form(request, most);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_argument);
    return error.what();
  }
  return "accepted";
}

const std::string kForm =
    "--xyz\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b \\\"1\\\".jpg\"\r\n"
    "Content-Type: image/jpeg\r\n\r\nbytes\r\n\r\n--xy\r\n--xyz\r\n"
    "content-disposition: form-data; name=top\r\n\r\n\r\n--xyz--\r\n";

TEST(HttpTarget, IsDecoded) {
  HttpRequest request;
  read_target("/v1/people/Ada%20Lovelace%2f+?top=3&name=A+B%26C&flag&top=4&", request);
  EXPECT_EQ(request.path, "/v1/people/Ada Lovelace/+");
  EXPECT_EQ(request.segments, (std::vector<std::string>{"v1", "people", "Ada Lovelace/+"}));
  EXPECT_EQ(request.query, (std::map<std::string, std::string>{
                               {"top", "4"}, {"name", "A B&C"}, {"flag", ""}, {"", ""}}));
  EXPECT_EQ(request.repeated, std::set<std::string>{"top"});
  read_target("/v1/people?", request);
  EXPECT_EQ(request.query, (std::map<std::string, std::string>{{"", ""}}));
  read_target("/v1/people", request);
  EXPECT_TRUE(request.query.empty() && request.repeated.empty());
}

TEST(HttpTarget, RefusesWhatIsNone) {
  HttpRequest request;
  for (const char* target : {"", "v1", "*", "http://x/", "/%", "/%1", "/%zz", "/%0g", "/a%00b"}) {
    EXPECT_THROW(read_target(target, request), Error) << target;
  }
}

TEST(HttpForm, HasItsPartsAsTheyWereSent) {
  const HttpRequest request = form_of(kForm);
  const std::vector<FormPart> parts = read_form(request, 2);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].name, "a");
  EXPECT_EQ(parts[0].file, "b \"1\".jpg");
  EXPECT_EQ(parts[0].bytes, "bytes\r\n\r\n--xy");
  EXPECT_EQ(parts[1].name, "top");
  EXPECT_EQ(parts[1].bytes, "");
  const HttpRequest quoted = form_of("before\r\n" + kForm, "\"xyz\"");
  EXPECT_EQ(read_form(quoted, 2).size(), 2u);
}

TEST(HttpForm, RefusesEveryBodyThatIsCutOff) {
  const size_t last = kForm.rfind("--\r\n");
  for (size_t size = 0; size < last; ++size) {
    EXPECT_NE(refused_form(form_of(kForm.substr(0, size))), "accepted") << size;
  }
}

TEST(HttpForm, TheBodysFirstLineTellsTheBoundaryWhereTheHeaderDoesNot) {
  HttpRequest request = form_of(kForm);
  request.headers["content-type"] = "multipart/form-data";
  EXPECT_EQ(read_form(request, 10).size(), read_form(form_of(kForm), 10).size());
}

TEST(HttpForm, SaysWhatIsWrong) {
  EXPECT_THAT(refused_form(form_of(kForm), 1), HasSubstr("more than the 1 parts"));
  EXPECT_THAT(refused_form(form_of(kForm, "other")), HasSubstr("does not hold its boundary"));
  EXPECT_THAT(refused_form(form_of(kForm, std::string(71, 'x'))), HasSubstr("boundary"));
  HttpRequest request = form_of(kForm);
  request.headers["content-type"] = "multipart/form-data";
  request.body = "no boundary\r\n";
  EXPECT_THAT(refused_form(request), HasSubstr("boundary"));
  request.body = "--" + std::string(71, 'x') + "\r\n";
  EXPECT_THAT(refused_form(request), HasSubstr("boundary"));
  request.headers["content-type"] = "application/json";
  EXPECT_THAT(refused_form(request), HasSubstr("multipart/form-data was expected"));
  request.headers.clear();
  EXPECT_THAT(refused_form(request), HasSubstr("multipart/form-data was expected"));
}

}  // namespace
}  // namespace doppel::internal
