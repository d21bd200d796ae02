package example;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** An XKS proxy on Spring Boot. README.md beside this folder says what the environment holds. */
@SpringBootApplication
public class XksProxy {
    public static void main(String[] arguments) {
        SpringApplication.run(XksProxy.class, arguments);
    }

    /** Whether to make the mistake of that name (expected.toml). */
    static boolean wrong(String name) {
        return name.equals(System.getenv("XKS_WRONG"));
    }
}
