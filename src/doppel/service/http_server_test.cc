#include "doppel/service/http_server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "doppel/error.h"

namespace doppel::internal {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using HttpAnswer = http::response<http::string_body>;

// A client that says exactly what the test tells it to.
class Client {
 public:
  explicit Client(uint16_t port) { socket_.connect({asio::ip::make_address("127.0.0.1"), port}); }
  void send(const std::string& bytes) { asio::write(socket_, asio::buffer(bytes)); }
  HttpAnswer answer(bool to_head = false) {
    http::response_parser<http::string_body> parser;
    parser.skip(to_head);
    http::read(socket_, buffer_, parser);
    return parser.release();
  }
  HttpAnswer ask(const std::string& bytes) {
    send(bytes);
    return answer();
  }
  void send_slowly(const std::string& bytes) {
    for (const char byte : bytes) {
      boost::system::error_code ignored;  // the answer may come before all was sent
      asio::write(socket_, asio::buffer(&byte, 1), ignored);
    }
  }
  // All that comes until the server ends.
  std::string everything() {
    std::string bytes;
    boost::system::error_code ended;
    asio::read(socket_, asio::dynamic_buffer(bytes), ended);
    return bytes;
  }
  // Whether the server has closed this connection; waits for it.
  bool closed() {
    char byte;
    boost::system::error_code error;
    socket_.read_some(asio::buffer(&byte, 1), error);
    return static_cast<bool>(error);
  }

 private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
  boost::beast::flat_buffer buffer_;
};

std::string get(const std::string& target, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}
std::string post(const std::string& target, const std::string& body) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

// A door that handlers wait at until the test opens it.
class Door {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void until_waiting(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= n; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

class Served {
 public:
  explicit Served(const HttpSettings& settings = {}, HttpServer::Handler handler = echo)
      : server_(settings, std::move(handler),
                [this](int status) {
                  const std::lock_guard lock(mutex_);
                  refused_.push_back(status);
                }),
        thread_([this] { server_.run(); }) {}
  ~Served() { finish(); }
  void stop() { server_.stop(); }
  void finish() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }
  uint16_t port() const { return server_.port(); }
  const HttpServer& server() const { return server_; }
  std::vector<int> refused() {
    const std::lock_guard lock(mutex_);
    return refused_;
  }

  static HttpResponse echo(const HttpRequest& request) {
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = request.method + " " + request.path + " " + request.body;
    response.headers["X-Seen"] = request.header("x-api-key");
    return response;
  }

 private:
  std::mutex mutex_;
  std::vector<int> refused_;
  HttpServer server_;
  std::thread thread_;
};

TEST(HttpServer, AnswersRequestAfterRequest) {
  Served served;
  Client client(served.port());
  const HttpAnswer first = client.ask(get("/a%20b?c=d", "X-Api-Key: secret\r\n"));
  EXPECT_EQ(first.result_int(), 200u);
  EXPECT_EQ(first.body(), "GET /a b ");
  EXPECT_EQ(first["X-Seen"], "secret");
  EXPECT_EQ(first["Content-Type"], "text/plain");
  EXPECT_EQ(client.ask(post("/x", "body")).body(), "POST /x body");
  EXPECT_EQ(client
                .ask("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n")
                .body(),
            "POST /x body");
  // Two at once are answered in their order.
  client.send(get("/1") + get("/2"));
  EXPECT_EQ(client.answer().body(), "GET /1 ");
  EXPECT_EQ(client.answer().body(), "GET /2 ");
  client.send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.answer(true)["Content-Length"], "8");
  EXPECT_EQ(client.ask(get("/last", "Connection: close\r\n")).body(), "GET /last ");
  EXPECT_TRUE(client.closed());
}

TEST(HttpServer, AsksForABodyThatWaitsToBeAskedFor) {
  Served served;
  Client client(served.port());
  client.send("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(client.answer().result_int(), 100u);
  EXPECT_EQ(client.ask("body").body(), "POST /x body");
}

TEST(HttpServer, RefusesWhatIsTooLargeOrNoHttp) {
  HttpSettings settings;
  settings.most_body = 10;
  Served served(settings);
  const auto refused = [&](const std::string& bytes) {
    Client client(served.port());
    const HttpAnswer answer = client.ask(bytes);
    EXPECT_TRUE(client.closed());
    return answer.result_int();
  };
  EXPECT_EQ(refused(post("/x", "longer than ten")), 413u);
  EXPECT_EQ(refused("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "f\r\nlonger than ten\r\n"),
            413u);
  EXPECT_EQ(refused("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                    "Content-Length: 11\r\n\r\n"),
            413u);
  EXPECT_EQ(refused(get("/x", "A: " + std::string(20'000, 'a') + "\r\n")), 431u);
  EXPECT_EQ(refused("hello\r\n\r\n"), 400u);
  EXPECT_EQ(refused("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"), 400u);
  Client client(served.port());
  EXPECT_EQ(client.ask(get("/%zz")).result_int(), 400u);
  EXPECT_EQ(client.ask(get("/still-here")).result_int(), 200u);
}

// A proxy in front reads one request where another reader finds two: what it takes for a body has
// passed whatever it checks. Each of these is refused before the handler, and nothing behind it is
// read.
TEST(HttpServer, ReadsNoRequestWithinARequest) {
  const std::string inner = get("/inner");
  const std::string host = "Host: x\r\n";
  const auto coding = [&](const std::string& value) {
    return host + "Transfer-Encoding: " + value + "\r\n";
  };
  const auto length = [&](const std::string& value) {
    return host + "Content-Length: " + value + "\r\n";
  };
  std::vector<std::pair<std::string, unsigned>> heads = {
      {coding(""), 400},
      {coding("chunked") + "transfer-encoding: chunked\r\n", 400},
      {coding("identity") + "Transfer-Encoding: chunked\r\n", 400},
      {coding("chunked") + "Transfer-Encoding: identity\r\n", 400},
      {host + "Transfer-Encoding:\r\n chunked\r\n", 400},
      {host + "Transfer-Encoding : chunked\r\n", 400},
      {" Transfer-Encoding: chunked\r\n" + host, 400},
      {host + "X: a\r\n Transfer-Encoding: chunked\r\n", 400},
      {host + "X: a\r\n\tContent-Length: 9\r\n", 400},
      {host + "X: a\nTransfer-Encoding: chunked\r\n", 400},
      {host + "X: a\rTransfer-Encoding: chunked\r\n", 400},
      {host + std::string("X: a\0b\r\n", 8), 400},
      {length("9") + "Content-Length: 9\r\n", 400},
      {length("9") + "Content-Length: 0\r\n", 400},
      {length("0") + "Content-Length: 9\r\n", 400},
      {host + host, 400},
      {host + "host: y\r\n", 400},
      {"", 400},
      {host + "X-Api-Key: a\r\nX-Api-Key: b\r\n", 400},
      {host + "Content-Type: a/b\r\nContent-Type: c/d\r\n", 400},
  };
  for (const char* value : {"xchunked", "gzip", "identity", "chunked, identity", "gzip, chunked",
                            "chunked, chunked", "chunked;q=1",
                            "\xa0"
                            "chunked",
                            "\"chunked\""}) {
    heads.push_back({coding(value), 501});
    heads.push_back({length("9") + "Transfer-Encoding: " + value + "\r\n", 400});
    heads.push_back({coding(value) + "Content-Length: 9\r\n", 400});
  }
  heads.push_back({coding("chunked") + "Content-Length: 9\r\n", 400});
  heads.push_back({length("9") + "Transfer-Encoding: chunked\r\n", 400});
  for (const char* value :
       {"+9", "-9", "9, 9", "9,9", "9;", "0x9", "9 9", "", "99999999999999999999"}) {
    heads.push_back({length(value), 400});
  }
  std::atomic<int> handled = 0;
  Served served({}, [&](const HttpRequest& request) {
    ++handled;
    return Served::echo(request);
  });
  const auto answers = [&](const std::string& bytes, unsigned status, bool slowly) {
    Client client(served.port());
    slowly ? client.send_slowly(bytes) : client.send(bytes);
    const std::string got = client.everything();
    EXPECT_THAT(got, testing::StartsWith("HTTP/1.1 " + std::to_string(status)));
    EXPECT_EQ(got.find("HTTP/1.1", 1), std::string::npos) << got;
  };
  for (const auto& [head, status] : heads) {
    for (const bool slowly : {false, true}) {
      SCOPED_TRACE(head + (slowly ? "slowly" : ""));
      answers("POST /outer HTTP/1.1\r\n" + head + "\r\n" + inner, status, slowly);
    }
  }
  answers("POST /outer HTTP/1.0\r\n" + coding("chunked") + "\r\n0\r\n\r\n" + inner, 400, false);
  // Some take a line feed within quotes for the end of a chunk's first line.
  answers(
      "POST /outer HTTP/1.1\r\n" + coding("chunked") + "\r\n1;a=\"\n\"\r\nx\r\n0\r\n\r\n" + inner,
      400, false);
  EXPECT_EQ(handled, 0);
  // What is plain stays welcome.
  Client client(served.port());
  EXPECT_EQ(client
                .ask("POST /x HTTP/1.1\r\nHost: x\r\ntransfer-encoding: \t Chunked \r\n\r\n"
                     "1;a=\"b c\"\r\ny\r\n0\r\nX: trailer\r\n\r\n")
                .body(),
            "POST /x y");
  EXPECT_EQ(client.ask("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\r\n x").body(),
            "POST /x \r\n x");
  EXPECT_EQ(client.ask("GET /y HTTP/1.0\r\n\r\n").body(), "GET /y ");
}

TEST(HttpServer, AHeaderIsLimitedHoweverItComes) {
  Served served;
  Client client(served.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\nA");
  for (int i = 0; i < 6; ++i) {
    std::this_thread::sleep_for(milliseconds(20));
    client.send(": " + std::string(4000, 'a') + "\r\nA");
  }
  client.send(": a\r\n\r\n");
  EXPECT_EQ(client.answer().result_int(), 431u);
}

// A socket that is closed before all was read answers what still comes with a reset, which can cost
// the client the answer.
TEST(HttpServer, WhoStillSendsIsToldBeforeTheConnectionCloses) {
  HttpSettings settings;
  settings.most_body = 10;
  Served served(settings);
  for (int i = 0; i < 20; ++i) {
    Client client(served.port());
    client.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n");
    std::this_thread::sleep_for(milliseconds(5));
    client.send(std::string(1'000'000, 'x'));
    EXPECT_EQ(client.answer().result_int(), 413u);
  }
}

TEST(HttpServer, AFailingHandlerSaysNothingOfWhy) {
  Served served({}, [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret"); });
  const HttpAnswer answer = Client(served.port()).ask(get("/"));
  EXPECT_EQ(answer.result_int(), 500u);
  EXPECT_THAT(answer.body(), testing::Not(testing::HasSubstr("secret")));
}

TEST(HttpServer, SlowClientsHoldNoWorkerAndNotForLong) {
  HttpSettings settings;
  settings.workers = 1;
  settings.idle = settings.transfer = milliseconds(600);
  Served served(settings);
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 30; ++i) {
    slow.push_back(std::make_unique<Client>(served.port()));
    slow.back()->send(i % 3 == 0   ? "GET"
                      : i % 3 == 1 ? ""
                                   : "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx");
  }
  EXPECT_EQ(Client(served.port()).ask(get("/")).result_int(), 200u);
  for (const auto& client : slow) EXPECT_TRUE(client->closed());
}

TEST(HttpServer, MoreThanTheQueueHoldsIsRefusedAtOnce) {
  HttpSettings settings;
  settings.workers = 1;
  settings.queue = 2;
  Door door;
  Served served(settings, [&](const HttpRequest& request) {
    door.wait();
    return Served::echo(request);
  });
  std::vector<std::unique_ptr<Client>> waiting;
  const auto send_one = [&] {
    waiting.push_back(std::make_unique<Client>(served.port()));
    waiting.back()->send(get("/"));
  };
  send_one();
  door.until_waiting(1);
  // Behind the one that is handled two may wait; whoever comes then is told so. Which ones come
  // first is for the network to say.
  for (int i = 0; i < 5; ++i) send_one();
  std::this_thread::sleep_for(milliseconds(200));
  door.open();
  int answered = 0, refused = 0;
  for (const auto& client : waiting) {
    const HttpAnswer answer = client->answer();
    if (answer.result_int() == 200) ++answered;
    if (answer.result_int() == 503) {
      ++refused;
      EXPECT_EQ(answer["Retry-After"], "1");
    }
  }
  EXPECT_EQ(answered, 3);
  EXPECT_EQ(refused, 3);
}

TEST(HttpServer, WhoIsRefusedWaitsBeforeTheNextRequestIsRead) {
  HttpSettings settings;
  settings.backing_off = milliseconds(300);
  Served served(settings, [](const HttpRequest& request) {
    HttpResponse response;
    response.status = request.path == "/busy" ? 503 : 200;
    return response;
  });
  Client client(served.port());
  EXPECT_EQ(client.ask(get("/busy")).result_int(), 503u);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(client.ask(get("/")).result_int(), 200u);
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(290));
  EXPECT_EQ(client.ask(get("/busy")).result_int(), 503u);
  served.stop();
  EXPECT_TRUE(client.closed()) << "the end is not waited for";
  served.finish();
}

TEST(HttpServer, MoreConnectionsThanAllowedAreRefused) {
  HttpSettings settings;
  settings.connections = 2;
  Served served(settings);
  Client first(served.port()), second(served.port());
  EXPECT_EQ(first.ask(get("/")).result_int(), 200u);
  EXPECT_EQ(second.ask(get("/")).result_int(), 200u);
  Client third(served.port());
  EXPECT_EQ(third.answer().result_int(), 503u);
  EXPECT_EQ(first.ask(get("/")).result_int(), 200u);
}

TEST(HttpServer, AnswersWhatItHasBegunBeforeItEnds) {
  Door door;
  Served served({}, [&](const HttpRequest& request) {
    door.wait();
    return Served::echo(request);
  });
  Client idle(served.port()), busy(served.port());
  busy.send(get("/busy"));
  door.until_waiting(1);
  served.stop();
  EXPECT_TRUE(idle.closed());
  EXPECT_THROW(Client(served.port()), boost::system::system_error);
  door.open();
  const HttpAnswer answer = busy.answer();
  EXPECT_EQ(answer.body(), "GET /busy ");
  EXPECT_FALSE(answer.keep_alive());
  EXPECT_TRUE(busy.closed());
  served.finish();
}

TEST(HttpServer, WhoHasWaitedForTooLongIsRefused) {
  HttpSettings settings;
  settings.workers = 1;
  settings.answering = milliseconds(100);
  Door door;
  Served served(settings, [&](const HttpRequest& request) {
    door.wait();
    EXPECT_LT(request.deadline, std::chrono::steady_clock::now() + milliseconds(100));
    return Served::echo(request);
  });
  Client first(served.port()), second(served.port());
  first.send(get("/"));
  door.until_waiting(1);
  second.send(get("/"));
  std::this_thread::sleep_for(milliseconds(200));
  EXPECT_EQ(served.server().waiting(), 1u);
  EXPECT_EQ(served.server().connected(), 2u);
  door.open();
  EXPECT_EQ(first.answer().result_int(), 200u);
  EXPECT_EQ(second.answer().result_int(), 503u);
  EXPECT_EQ(served.refused(), (std::vector<int>{503}));
}

TEST(HttpServer, TellsOfWhatItRefuses) {
  HttpSettings settings;
  settings.most_body = 10;
  Served served(settings);
  Client client(served.port());
  const std::string large = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\n\r\n";
  EXPECT_EQ(client.ask(large).result_int(), 413u);
  EXPECT_EQ(served.refused(), (std::vector<int>{413}));
}

TEST(HttpServer, WhoIsNotAdmittedSendsNoBody) {
  const auto admit = [](const HttpRequest& head) -> std::optional<HttpResponse> {
    if (head.header("x-api-key") == "right") return {};
    HttpResponse refused;
    refused.status = 401;
    return refused;
  };
  HttpServer server({}, Served::echo, {}, admit);
  std::thread thread([&] { server.run(); });
  {
    Client client(server.port());
    EXPECT_EQ(client.ask(get("/")).result_int(), 401u);
    EXPECT_EQ(client.ask(get("/", "X-Api-Key: right\r\n")).body(), "GET / ") << "it stays open";
    const HttpAnswer refused = client.ask(
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
    EXPECT_EQ(refused.result_int(), 401u) << "and is not asked for its body";
    EXPECT_FALSE(refused.keep_alive());
  }
  server.stop();
  thread.join();
}

TEST(HttpServer, SaysWhichCertificateIsNone) {
  HttpSettings settings;
  settings.certificate = settings.key = "/nowhere/cert.pem";
  try {
    HttpServer(settings, Served::echo);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.what(), testing::StartsWith("/nowhere/cert.pem: a chain of certificates"));
  }
}

TEST(HttpServer, SaysWhichAddressCannotBeUsed) {
  Served served;
  HttpSettings settings;
  settings.port = served.port();
  const auto refused = [&] {
    try {
      HttpServer(settings, Served::echo);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::io);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refused(), testing::StartsWith("127.0.0.1:" + std::to_string(settings.port)));
  settings = {};
  settings.host = "203.0.113.7";  // of no machine
  EXPECT_THAT(refused(), testing::StartsWith("203.0.113.7:0"));
}

}  // namespace
}  // namespace doppel::internal
